-- `:Ralph status`, as text for people.

local client = require('ralphd.client')
local endings = require('ralphd.endings')

local M = {}

local function models(known)
  local lines = {}
  for root, roles in vim.spairs(known.workspaces or {}) do
    table.insert(lines, ('models of %s:'):format(vim.fn.fnamemodify(root, ':~')))
    for role, chain in vim.spairs(roles) do
      local names = type(chain) == 'table' and #chain > 0 and table.concat(chain, ', else ') or 'none'
      table.insert(lines, ('  %-10s %s'):format(role, names))
    end
  end
  return #lines > 0 and lines or { 'models:   not needed yet' }
end

--- The server's answer to `status` as lines.
function M.lines(status)
  local lines = { ('ralphd %s'):format(status.version), '' }
  local last = endings.last()
  if last then
    table.insert(lines, ('last run: %s. %s'):format((last.outcome:gsub('_', ' ')), last.reason))
  end
  for _, run in ipairs(status.runs) do
    table.insert(lines, ('at work:  %s on %s'):format(run.command, vim.fn.fnamemodify(vim.uri_to_fname(run.uri), ':~:.')))
  end
  for _, review in ipairs(status.reviews) do
    table.insert(lines, ('waiting:  %d change%s'):format(review.pending, review.pending == 1 and '' or 's'))
  end
  if #status.runs + #status.reviews == 0 then
    table.insert(lines, 'nothing runs, nothing waits')
  end
  local today = status.cost.todayUsd
  table.insert(lines, today and today ~= vim.NIL and ('today:    $%.4f'):format(today) or 'today:    cost not known')
  vim.list_extend(lines, models(status.models))
  local detail = status.sandbox.detail
  table.insert(lines, ('tests in: %s%s'):format(status.sandbox.kind, detail and detail ~= '' and ' (' .. detail .. ')' or ''))
  table.insert(lines, ('consents: %d kept%s'):format(status.trust.given, ' (`:Ralph trust` lists them)'))
  if type(status.trust.problem) == 'string' then
    table.insert(lines, 'consents: ' .. status.trust.problem)
  end
  return lines
end

function M.open()
  client.execute('status', nil, function(status)
    local lines = M.lines(status)
    vim.lsp.util.open_floating_preview(lines, 'text', { border = 'rounded', title = ' Ralph ', focus_id = 'ralphd' })
  end)
end

return M
