-- A new file that waits for acceptance, as a buffer to read: its text coloured as its kind, nothing on the disk.

local M = {}

local api = vim.api

---@type table<integer, table> the change by buffer
local buffers = {}

--- The change whose new file a buffer shows.
function M.of(bufnr)
  return buffers[bufnr]
end

local function still_waits(hunk)
  for _, review in ipairs(require('ralphd.review').waiting()) do
    for _, other in ipairs(review.id == hunk.review.id and review.hunks or {}) do
      if other.hunkId == hunk.hunkId and other.state == 'pending' then
        return other
      end
    end
  end
end

--- The buffer that shows it; made where there is none yet.
function M.open(hunk)
  for bufnr, other in pairs(buffers) do
    if other.review.id == hunk.review.id and other.hunkId == hunk.hunkId then
      return bufnr
    end
  end
  local path = vim.uri_to_fname(hunk.uri)
  local bufnr = api.nvim_create_buf(false, true)
  buffers[bufnr] = hunk
  api.nvim_buf_set_name(bufnr, ('ralph-new://%s/%s'):format(hunk.review.id, vim.fn.fnamemodify(path, ':t')))
  api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split((hunk.newText:gsub('\r\n?', '\n'):gsub('\n$', '')), '\n'))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = vim.filetype.match({ filename = path, buf = bufnr }) or ''
  require('ralphd.keys').sync(bufnr, true)
  require('ralphd.drawing').draw_new(bufnr, hunk)
  return bufnr
end

--- Away with the buffers of files that do not wait any more; their windows show the document that the run was on.
function M.sync()
  for bufnr, hunk in pairs(buffers) do
    local now = api.nvim_buf_is_valid(bufnr) and still_waits(hunk)
    if now then
      buffers[bufnr] = now
      require('ralphd.drawing').draw_new(bufnr, now)
    else
      buffers[bufnr] = nil
      if api.nvim_buf_is_valid(bufnr) then
        for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
          api.nvim_win_set_buf(window, vim.uri_to_bufnr(hunk.review.home))
        end
        api.nvim_buf_delete(bufnr, { force = true })
      end
    end
  end
end

return M
