-- How a run ended, and what can be done about it: told in a corner of the screen, done by `:Ralph act`.

local client = require('ralphd.client')
local messages = require('ralphd.messages')

local M = {}

local api = vim.api
local GOOD = { proposed = true, reviewed = true, tests_proposed = true, no_change = true, cancelled = true }
local CARD_WIDTH, CARD_MS = 64, 30000

local last ---@type table? the RunResult of the last run
local offered = {} ---@type table[] what `:Ralph act` can do
local told = {} ---@type table<string, string> the sentence about its proof that was told last, by review
local card ---@type integer? its window

--- The text broken into lines of at most `width` cells.
local function wrapped(text, width)
  local lines, line = {}, ''
  for word in text:gmatch('%S+') do
    if line ~= '' and vim.fn.strdisplaywidth(line .. ' ' .. word) > width then
      table.insert(lines, line)
      line = word
    else
      line = line == '' and word or line .. ' ' .. word
    end
  end
  return vim.list_extend(lines, { line })
end

local function close_card()
  if card and api.nvim_win_is_valid(card) then
    api.nvim_win_close(card, true)
  end
  card = nil
end
M.close = close_card

--- What can be done, in the lower right corner. It takes no focus and no key, and goes by itself.
local function show_card(title, text)
  close_card()
  local width = math.min(CARD_WIDTH, vim.o.columns - 4)
  local lines = wrapped(text, width)
  for number, action in ipairs(offered) do
    table.insert(lines, ('  %d  %s'):format(number, action.title))
  end
  table.insert(lines, (':Ralph act%s'):format(#offered > 1 and ' 1…' .. #offered or ''))
  local bufnr = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].bufhidden = 'wipe'
  local window = api.nvim_open_win(bufnr, false, {
    relative = 'editor',
    anchor = 'SE',
    row = vim.o.lines - vim.o.cmdheight - 1,
    col = vim.o.columns,
    width = width,
    height = math.min(#lines, math.max(vim.o.lines - 6, 1)),
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(title),
    focusable = false,
    noautocmd = true,
  })
  card = window
  vim.defer_fn(function()
    if card == window then
      close_card()
    end
  end, CARD_MS)
end

local function offer(title, text, actions)
  offered = actions
  if #actions > 0 then
    show_card(title, text)
  end
end

--- Takes a `ralph/runEnded`. The autocommand `User RalphRunEnded` has the RunResult as its data.
function M.take(result)
  last = result
  local name = result.outcome:gsub('_', ' ')
  messages.say(('Ralph: %s. %s'):format(name, result.reason), not GOOD[result.outcome] and 'WarningMsg' or nil)
  close_card()
  offer('Ralph: ' .. name, result.reason, result.actions or {})
  api.nvim_exec_autocmds('User', { pattern = 'RalphRunEnded', data = result })
end

--- Tells where a part of a proposal that was taken does not hold without a further change.
function M.proof(review)
  local proof = review.proof
  if not proof or told[review.id] == proof.sentence then
    return
  end
  told[review.id] = proof.sentence
  if proof.state == 'broken' and type(proof.action) == 'table' then
    messages.say('Ralph: ' .. proof.sentence, 'WarningMsg')
    offer('Ralph: not green', proof.sentence, { proof.action })
  elseif proof.state == 'verified' and offered[1] and offered[1].kind == 'acceptWith' then
    offered = {}
    close_card()
  end
end

--- The server stopped by itself. `lost`: what its runs were at, '' where none lived. The next server says what a run that
--- was cut short has cost, and offers a review that waited again.
function M.gone(lost)
  local run = lost ~= '' and (' The run that was at work (%s) ended with it; nothing was changed.'):format(lost) or ''
  local text = 'the server stopped.' .. run .. ' Start it again with :Ralph restart'
  messages.say('Ralph: ' .. text, 'WarningMsg')
  offer('Ralph: the server stopped', text, { { kind = 'restart', title = 'Start it again' } })
end

--- A new server for the buffers of the one that stopped.
function M.restart()
  close_card()
  vim.lsp.enable('ralphd')
end

--- What a command of the server says to run, in a terminal of ours: it asks questions.
local function in_terminal(command, argument)
  client.execute(command, argument, function(given)
    vim.cmd('botright new')
    vim.fn.jobstart(given.argv, { term = true, cwd = given.folder ~= '' and given.folder or nil })
    vim.cmd.startinsert()
  end)
end

function M.setup()
  in_terminal('setup', vim.empty_dict())
end

--- A key that the person types goes to the server in one request. Nothing of it is kept or logged here.
function M.set_key(provider)
  local server = client.required()
  if not server then
    return
  end
  local guess = last and vim.tbl_get(last, 'models', 'artisan', 'provider') or ''
  if provider == '' then
    provider = vim.trim(vim.fn.input('Provider of the key (openai, anthropic, …): ', guess))
  end
  if provider == '' then
    return
  end
  local key = vim.fn.inputsecret(('Key for %s, for this session (empty: forget it): '):format(provider))
  local level = vim.lsp.log.get_level()
  vim.lsp.log.set_level(vim.log.levels.OFF) -- at its finest level the client's log has whole messages
  server:request('ralph/setKey', { provider = provider, key = key }, function(err, answer)
    if err then
      messages.complain(err.message)
    else
      messages.say(('Ralph: the key for %s is %s'):format(answer.provider, answer.set and 'set for this session' or 'forgotten'))
    end
  end)
  vim.lsp.log.set_level(level)
end

local function act(action)
  close_card()
  if action.kind == 'setKey' then
    M.set_key('')
  elseif action.kind == 'restart' then
    M.restart()
  elseif action.kind == 'setup' or action.kind == 'installIsolation' then
    in_terminal(action.kind, (action.arguments or {})[1] or vim.empty_dict())
  else
    client.execute(action.command:gsub('^ralph%.server%.', ''), (action.arguments or {})[1])
  end
end

--- Do what was offered last: by its number, else the person chooses.
function M.act(which)
  local chosen = offered[tonumber(which)]
  if #offered == 0 then
    messages.complain('there is nothing to do about the last run')
  elseif chosen then
    act(chosen)
  else
    local opts = {
      prompt = 'Ralph:',
      format_item = function(action)
        return action.title
      end,
    }
    vim.ui.select(offered, opts, function(action)
      if action then
        act(action)
      end
    end)
  end
end

---@return string[] titles of what can be done now
function M.offered()
  return vim.tbl_map(function(action)
    return action.title
  end, offered)
end

function M.last()
  return last
end

return M
