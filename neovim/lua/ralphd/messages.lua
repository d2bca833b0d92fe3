-- What is told at the bottom of the screen. A message is whole in `:messages`, shows as one line that never asks for
-- Enter, and waits while a prompt is open.

local M = {}

local api = vim.api
local waiting = {} ---@type { text: string, highlight?: string }[]
local RETRY_MS = 100

--- Whether the person is at a prompt, which a message would write over.
local function prompting()
  local mode = api.nvim_get_mode()
  return mode.blocking or mode.mode:find('^[cr]') ~= nil
end

--- As much of a line as fits without asking for Enter.
local function cut(line, room)
  if vim.fn.strdisplaywidth(line) <= room then
    return line
  end
  return vim.fn.strcharpart(line, 0, math.max(room - 1, 1)) .. '…'
end

local function show(text, highlight)
  local line = text:gsub('%s+', ' ')
  local short = cut(line, vim.v.echospace)
  if short ~= line then
    -- Into the history whole; without `hit-enter` in 'messagesopt' a long message asks for nothing.
    local set = vim.o.messagesopt
    vim.o.messagesopt = 'wait:0,' .. (set:match('history:%d+') or 'history:500')
    api.nvim_echo({ { line, highlight } }, true, {})
    vim.o.messagesopt = set
  end
  vim.cmd.redraw() -- without it a second line within one tick scrolls the first and asks for Enter
  api.nvim_echo({ { short, highlight } }, short == line, {})
end

local function flush()
  if prompting() then
    vim.defer_fn(flush, RETRY_MS)
    return
  end
  local now = waiting
  waiting = {}
  for _, one in ipairs(now) do
    show(one.text, one.highlight)
  end
end

---@param highlight? string
function M.say(text, highlight)
  table.insert(waiting, { text = text, highlight = highlight })
  if #waiting == 1 then
    flush()
  end
end

function M.complain(text)
  M.say('Ralph: ' .. text, 'WarningMsg')
end

--- A line that the next one replaces; not kept in `:messages`, and left out while a prompt is open.
---@param opts? table of nvim_echo
function M.progress(text, opts)
  if not prompting() and #waiting == 0 then
    local line = cut((text:gsub('%s+', ' ')), vim.v.echospace - #((opts or {}).title or '') - 8)
    vim.cmd.redraw()
    api.nvim_echo({ { line } }, false, opts or {})
  end
end

return M
