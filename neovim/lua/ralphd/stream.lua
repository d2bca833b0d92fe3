-- The buffer that shows what the model writes, as it comes.

local M = {}

local api = vim.api
local NAME = 'ralph-stream'
local shown = { run = nil, text = '' }

local function buffer()
  local bufnr = vim.fn.bufnr(NAME)
  if bufnr == -1 then
    bufnr = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(bufnr, NAME)
    api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(shown.text, '\n'))
  end
  return bufnr
end

function M.open()
  vim.cmd('botright new')
  api.nvim_win_set_buf(0, buffer())
  api.nvim_win_set_cursor(0, { api.nvim_buf_line_count(0), 0 })
end

--- Takes a `ralph/stream`.
function M.take(delta)
  local run = ('%s/%s/%s/%s'):format(delta.runId, delta.phase, delta.iteration, delta.attempt)
  local text = delta.delta
  if run ~= shown.run then
    local head = ('── %s · %d.%d ──\n'):format(delta.phase, delta.iteration, delta.attempt)
    local new_run = shown.run == nil or not vim.startswith(shown.run, delta.runId .. '/')
    text = (new_run and '' or '\n\n') .. head .. text
    if new_run then
      shown.text = ''
    end
    shown.run = run
  end
  local fresh = shown.text == ''
  shown.text = shown.text .. text
  local bufnr = vim.fn.bufnr(NAME)
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

return M
