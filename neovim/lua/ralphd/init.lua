-- The client's side of ralphd: commands, progress, the result's sentence, `ralph:` documents.
-- It asks the server and shows what comes; what a run is and when it succeeds, it does not know.

local M = {}

local api = vim.api

---@type table? the RunResult of the last run
local last_result
local stream = { run = nil, text = '' }
local stream_name = 'ralph-stream'

---@return vim.lsp.Client?
local function client_of(bufnr)
  return vim.lsp.get_clients({ name = 'ralphd', bufnr = bufnr })[1] or vim.lsp.get_clients({ name = 'ralphd' })[1]
end

--- One line at the bottom that never asks for Enter, whatever its length.
---@param opts? table of nvim_echo; without it the line is kept in :messages
local function say(text, highlight, opts)
  local mode = api.nvim_get_mode()
  if mode.mode:find('^[cr]') or mode.blocking then
    return -- the person is at a prompt: do not write over it
  end
  local line = text:gsub('%s+', ' ')
  local room = vim.v.echospace - #((opts or {}).title or '') - 8
  if vim.fn.strdisplaywidth(line) > room then
    line = vim.fn.strcharpart(line, 0, math.max(room - 1, 1)) .. '…'
  end
  vim.cmd.redraw() -- without it a second line within one tick scrolls the first and asks for Enter
  api.nvim_echo({ { line, highlight } }, opts == nil, opts or {})
end

local function complain(text)
  vim.notify('Ralph: ' .. text, vim.log.levels.WARN)
end

--- Send a command of the server for this buffer; a refusal is shown, an answer goes to `on_answer`.
local function execute(command, argument, on_answer)
  local bufnr = api.nvim_get_current_buf()
  local client = client_of(bufnr)
  if not client then
    complain('ralphd is not running for this file; see :checkhealth ralphd')
    return
  end
  -- A real buffer number: Neovim then sends what was typed before the request, so that no version is needed in it.
  client:exec_cmd({ title = command, command = command, arguments = { argument } }, { bufnr = bufnr }, function(err, result)
    if err then
      complain(err.message)
    elseif on_answer then
      on_answer(result)
    end
  end)
end

--- {uri, range, instruction}: the lines that were given, else the cursor.
local function target(opts)
  local bufnr = api.nvim_get_current_buf()
  local client = client_of(bufnr)
  local range
  if opts.range > 0 then
    range = { start = { line = opts.line1 - 1, character = 0 }, ['end'] = { line = opts.line2, character = 0 } }
  else
    range = vim.lsp.util.make_range_params(0, client and client.offset_encoding or 'utf-8').range
  end
  return { uri = vim.uri_from_bufnr(bufnr), range = range, instruction = opts.rest ~= '' and opts.rest or nil }
end

--- The pending changes that the server shows in this buffer; with `line` (from 0), those on it.
local function pending(bufnr, line)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr)) do
    local lsp = (diagnostic.user_data or {}).lsp or {}
    if diagnostic.source == 'ralph' and diagnostic.code == 'ralph.change' and type(lsp.data) == 'table' then
      local last = diagnostic.end_lnum
      if diagnostic.end_col == 0 and last > diagnostic.lnum then
        last = last - 1
      end
      if not line or (diagnostic.lnum <= line and line <= last) then
        table.insert(found, lsp.data)
      end
    end
  end
  return found
end

--- Accept or reject: the change on the cursor's line, with `all` every one; what follows is the reason.
local function decide(command, rest)
  local first, after = rest:match('^(%S*)%s*(.*)$')
  local all = first == 'all'
  local line = not all and api.nvim_win_get_cursor(0)[1] - 1 or nil
  local hunk = pending(api.nvim_get_current_buf(), line)[1]
  if not hunk then
    complain(all and 'no change is pending in this buffer' or 'no change is pending on this line')
    return
  end
  local reason = all and after or rest
  execute(command, {
    reviewId = hunk.reviewId,
    hunkId = not all and hunk.hunkId or nil,
    reason = command == 'ralph.server.reject' and reason ~= '' and reason or nil,
  })
end

local function show(lines)
  vim.lsp.util.open_floating_preview(lines, 'text', { border = 'rounded', title = ' Ralph ', focus_id = 'ralphd' })
end

local subcommands = {
  implement = function(opts)
    execute('ralph.server.implement', target(opts))
  end,
  critique = function(opts)
    execute('ralph.server.critique', target(opts))
  end,
  chaos = function(opts)
    local argument = target(opts)
    argument.instruction = nil
    execute('ralph.server.chaosTests', argument)
  end,
  cancel = function()
    execute('ralph.server.cancel', vim.empty_dict(), function(answer)
      if #(answer.cancelled or {}) == 0 then
        say('Ralph: nothing to cancel')
      end
    end)
  end,
  accept = function(opts)
    decide('ralph.server.accept', opts.rest)
  end,
  reject = function(opts)
    decide('ralph.server.reject', opts.rest)
  end,
  status = function()
    execute('ralph.server.status', nil, function(status)
      local lines = vim.split(vim.inspect(status), '\n')
      if last_result then
        table.insert(lines, 1, ('last run: %s. %s'):format(last_result.outcome, last_result.reason))
        table.insert(lines, 2, '')
      end
      show(lines)
    end)
  end,
  log = function()
    execute('ralph.server.showLog')
  end,
  stream = function()
    vim.cmd('botright new')
    api.nvim_win_set_buf(0, M.stream_buffer())
    api.nvim_win_set_cursor(0, { api.nvim_buf_line_count(0), 0 })
  end,
}

function M.command(opts)
  local name, rest = opts.args:match('^(%S+)%s*(.*)$')
  local run = subcommands[name]
  if not run then
    complain(('no such command: %s'):format(name))
    return
  end
  run(vim.tbl_extend('force', opts, { rest = vim.trim(rest) }))
end

function M.complete(lead, line)
  local before = vim.trim(line:gsub('^.-Ralph%s*', '', 1))
  local words = vim.tbl_keys(subcommands)
  if before:find('^accept%s') or before:find('^reject%s') or before == 'accept' or before == 'reject' then
    words = lead == before and words or { 'all' }
  elseif before ~= lead then
    words = {}
  end
  table.sort(words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

local titles = {} ---@type table<string|integer, string>

--- Shows the progress of a run.
function M.progress(params)
  local value = params.value
  local title = value.title or titles[params.token] or 'Ralph'
  titles[params.token] = value.kind ~= 'end' and title or nil
  local text = value.message or 'started'
  if vim.fn.has('nvim-0.12') == 0 then
    say(('%s: %s'):format(title, text), nil, {})
    return
  end
  say(text, nil, {
    id = 'ralphd.' .. params.token,
    kind = 'progress',
    source = 'ralphd',
    title = title,
    status = value.kind == 'end' and 'success' or 'running',
  })
end

--- What the server tells a person.
function M.message(params)
  local highlight = ({ 'ErrorMsg', 'WarningMsg' })[params.type]
  say(params.message:find('^Ralph') and params.message or 'Ralph: ' .. params.message, highlight)
end

--- The autocommand `User RalphRunEnded` has the RunResult as its data.
function M.run_ended(result)
  last_result = result
  local good = ({ proposed = true, reviewed = true, tests_proposed = true, no_change = true })[result.outcome]
  say(('Ralph: %s. %s'):format((result.outcome:gsub('_', ' ')), result.reason), not good and 'WarningMsg' or nil)
  api.nvim_exec_autocmds('User', { pattern = 'RalphRunEnded', data = result })
end

--- The buffer that shows what the model writes, as it comes.
function M.stream_buffer()
  local bufnr = vim.fn.bufnr(stream_name)
  if bufnr == -1 then
    bufnr = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(bufnr, stream_name)
    api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(stream.text, '\n'))
  end
  return bufnr
end

function M.streamed(delta)
  local run = ('%s/%s/%s/%s'):format(delta.runId, delta.phase, delta.iteration, delta.attempt)
  local text = delta.delta
  if run ~= stream.run then
    local head = ('── %s · %d.%d ──\n'):format(delta.phase, delta.iteration, delta.attempt)
    local new_run = stream.run == nil or not vim.startswith(stream.run, delta.runId .. '/')
    text = (new_run and '' or '\n\n') .. head .. text
    if new_run then
      stream.text = ''
    end
    stream.run = run
  end
  local fresh = stream.text == ''
  stream.text = stream.text .. text
  local bufnr = vim.fn.bufnr(stream_name)
  if bufnr == -1 then
    return
  end
  if fresh then
    api.nvim_buf_set_lines(bufnr, 0, -1, false, {})
  end
  local last = api.nvim_buf_line_count(bufnr)
  api.nvim_buf_set_text(bufnr, last - 1, -1, last - 1, -1, vim.split(text, '\n'))
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    if window ~= api.nvim_get_current_win() then
      api.nvim_win_set_cursor(window, { api.nvim_buf_line_count(bufnr), 0 })
    end
  end
end

local function fill(bufnr, client)
  local uri = vim.b[bufnr].ralphd_uri
  local answer = client:request_sync('workspace/textDocumentContent', { uri = uri }, 2000, bufnr)
  local text = answer and answer.result and answer.result.text
  if not text then
    local why = answer and answer.err and answer.err.message or 'no answer from ralphd'
    complain(('%s cannot be shown: %s'):format(uri, why))
    return
  end
  vim.bo[bufnr].modifiable = true
  api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split((text:gsub('\n$', '')), '\n'))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].modified = false
end

--- Fills a buffer whose name is a `ralph:` URI with the server's document.
function M.read_document(bufnr)
  -- Neovim puts the current folder before a name without `//`.
  vim.b[bufnr].ralphd_uri = api.nvim_buf_get_name(bufnr):match('ralph:.*$')
  vim.bo[bufnr].buftype = 'nofile'
  vim.bo[bufnr].swapfile = false
  local client = client_of(nil)
  if client then
    fill(bufnr, client)
  end
end

function M.refresh_document(uri, client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if client and api.nvim_buf_is_loaded(bufnr) and vim.b[bufnr].ralphd_uri == uri then
      vim.schedule(function()
        fill(bufnr, client)
      end)
    end
  end
end

return M
