-- How runs stand: a line at the bottom of the screen, and what `status()` says to a statusline.

local messages = require('ralphd.messages')

local M = {}

local titles = {} ---@type table<string|integer, string>
local latest = {} ---@type table<string|integer, string>

--- Takes the `$/progress` of a run.
function M.take(params)
  local value, token = params.value, params.token
  local title = value.title or titles[token] or 'Ralph'
  local text = value.message or 'started'
  local over = value.kind == 'end'
  titles[token] = not over and title or nil
  latest[token] = not over and text or nil
  vim.cmd.redrawstatus()
  if vim.fn.has('nvim-0.12') == 0 then
    messages.progress(('%s: %s'):format(title, text))
    return
  end
  messages.progress(text, {
    id = 'ralphd.' .. token,
    kind = 'progress',
    source = 'ralphd',
    title = title,
    status = over and 'success' or 'running',
  })
end

--- The server is gone, and its runs with it.
function M.clear()
  titles, latest = {}, {}
  vim.cmd.redrawstatus()
end

--- What the runs that live are at, in a few words; '' where none does.
function M.status()
  return table.concat(vim.tbl_values(latest), ' | ')
end

return M
