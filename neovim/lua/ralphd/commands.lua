-- What `:Ralph` does: one function for each word behind it.

local client = require('ralphd.client')
local endings = require('ralphd.endings')
local messages = require('ralphd.messages')
local review = require('ralphd.review')

local M = {}

local api = vim.api

--- Accept or reject: the change at the cursor, with `all` every one of its review; what follows is the reason.
local function decide(command, rest)
  local first, after = rest:match('^(%S*)%s*(.*)$')
  local all = first == 'all'
  local of = review.at_hand()
  local hunk = not all and review.at_cursor() or nil
  if not of or not (all or hunk) then
    messages.complain(of and 'no change is pending on this line' or 'no change is pending')
    return
  end
  local reason = all and after or rest
  client.execute(command, {
    reviewId = of.id,
    hunkId = hunk and hunk.hunkId or nil,
    reason = command == 'reject' and reason ~= '' and reason or nil,
  })
end

local ANY = { 'ralph.critic', 'ralph.chaos', 'ralph.opinion' }

--- The finding on the cursor's line, of a kind whose code begins with one of `codes`.
local function finding(codes)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    local lsp = (diagnostic.user_data or {}).lsp or {}
    local ours = diagnostic.source == 'ralph'
      and vim.iter(codes):any(function(code)
        return vim.startswith(diagnostic.code or '', code)
      end)
    if ours and type(lsp.data) == 'table' and lsp.data.findingId and diagnostic.lnum <= row and row <= diagnostic.end_lnum then
      return { uri = vim.uri_from_bufnr(0), findingId = lsp.data.findingId }
    end
  end
end

local function on_finding(command, codes)
  local argument = finding(codes)
  if argument then
    client.execute(command, argument)
  else
    messages.complain('no finding of that kind is on this line')
  end
end

local function step(direction)
  if not review.step(direction) then
    messages.complain('no change is pending')
  end
end

local subcommands = {
  implement = function(opts)
    client.execute('implement', client.target(opts))
  end,
  critique = function(opts)
    client.execute('critique', client.target(opts))
  end,
  chaos = function(opts)
    local argument = client.target(opts)
    argument.instruction = nil
    client.execute('chaosTests', argument)
  end,
  opinions = function(opts)
    local argument = client.target(opts)
    argument.instruction = nil
    client.execute('opinions', argument)
  end,
  preview = function(opts)
    client.execute('showWhatWouldBeSent', client.target(opts))
  end,
  cancel = function()
    client.execute('cancel', vim.empty_dict(), function(answer)
      if #(answer.cancelled or {}) == 0 then
        messages.say('Ralph: nothing to cancel')
      end
    end)
  end,
  next = function()
    step(1)
  end,
  prev = function()
    step(-1)
  end,
  accept = function(opts)
    decide('accept', opts.rest)
  end,
  reject = function(opts)
    decide('reject', opts.rest)
  end,
  retry = function(opts)
    local of = review.at_hand()
    if of then
      client.execute('retry', { reviewId = of.id, reason = opts.rest ~= '' and opts.rest or nil })
    else
      messages.complain('no change is pending')
    end
  end,
  undo = function()
    require('ralphd.taking_back').all()
  end,
  diff = function()
    require('ralphd.comparing').open()
  end,
  changes = function()
    require('ralphd.changes_list').open()
  end,
  fix = function(opts)
    if opts.rest == 'all' then
      client.execute('fix', { uri = vim.uri_from_bufnr(0) })
    else
      on_finding('fix', ANY)
    end
  end,
  pin = function()
    on_finding('pin', { 'ralph.chaos.counterexample', 'ralph.opinion' })
  end,
  versions = function()
    on_finding('showVersions', { 'ralph.opinion' })
  end,
  dismiss = function()
    on_finding('dismiss', ANY)
  end,
  dismissed = function()
    require('ralphd.dismissed').open()
  end,
  act = function(opts)
    endings.act(opts.rest)
  end,
  key = function(opts)
    endings.set_key(opts.rest)
  end,
  setup = function()
    endings.setup()
  end,
  restart = function()
    endings.restart()
  end,
  trust = function()
    require('ralphd.consents').open()
  end,
  status = function()
    require('ralphd.standing').open()
  end,
  runs = function()
    client.execute('showRuns')
  end,
  doctor = function()
    client.execute('doctor')
  end,
  log = function()
    client.execute('showLog')
  end,
  stream = function()
    require('ralphd.stream').open()
  end,
}

local WORDS_BEHIND = { accept = { 'all' }, reject = { 'all' }, fix = { 'all' } }

function M.run(opts)
  local name, rest = opts.args:match('^(%S+)%s*(.*)$')
  local run = subcommands[name]
  if not run then
    messages.complain(('no such command: %s; :Ralph <Tab> lists them'):format(name))
    return
  end
  run(vim.tbl_extend('force', opts, { rest = vim.trim(rest) }))
end

function M.complete(lead, line)
  local before = line:gsub('^.-Ralph%s*', '', 1)
  before = before:sub(1, #before - #lead)
  local name = vim.trim(before)
  local words = name == '' and vim.tbl_keys(subcommands) or WORDS_BEHIND[name] or {}
  if name == 'act' then
    words = vim.iter(ipairs(endings.offered())):map(tostring):totable()
  end
  table.sort(words)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

return M
