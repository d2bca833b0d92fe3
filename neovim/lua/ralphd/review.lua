-- Shows pending changes in the text: old lines marked, new lines below them. Nothing of it is in the buffer.
-- It draws what the server tells in `hunksChanged`; accepting and rejecting are the server's.

local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('ralphd.review')

---@type table<string, table<string, table>> hunks by reviewId and hunkId
local reviews = {}

local function erase(hunk)
  if hunk.buffer and api.nvim_buf_is_valid(hunk.buffer) then
    for _, mark in ipairs(hunk.marks or {}) do
      api.nvim_buf_del_extmark(hunk.buffer, namespace, mark)
    end
  end
  hunk.buffer, hunk.marks = nil, nil
end

local function virtual_lines(hunk)
  local lines = {}
  if hunk.state == 'stale' then
    table.insert(lines, { { '  Ralph: these lines have changed, so this proposal no longer fits', 'Comment' } })
    return lines
  end
  local text = hunk.newText:gsub('\r\n?', '\n'):gsub('\n$', '')
  for _, line in ipairs(text == '' and {} or vim.split(text, '\n')) do
    table.insert(lines, { { line:gsub('\t', (' '):rep(vim.bo.tabstop)), 'DiffAdd' } })
  end
  return lines
end

local function draw(bufnr, hunk)
  erase(hunk)
  local count = api.nvim_buf_line_count(bufnr)
  local first, last = hunk.range.start.line, hunk.range['end'].line
  if hunk.range['end'].character > 0 then
    last = last + 1 -- from here on `last` is the line after the hunk
  end
  first, last = math.min(first, count), math.min(last, count)
  hunk.buffer, hunk.marks = bufnr, {}
  if last > first and hunk.state ~= 'stale' then
    local old = { end_row = last, hl_group = 'DiffDelete', hl_eol = true, strict = false }
    table.insert(hunk.marks, api.nvim_buf_set_extmark(bufnr, namespace, first, 0, old))
  end
  -- Below the last old line; a pure insertion goes above the line that it pushes down.
  local above = last == first and first < count
  local row = above and first or math.max(last - 1, 0)
  local new = { virt_lines = virtual_lines(hunk), virt_lines_above = above, strict = false }
  table.insert(hunk.marks, api.nvim_buf_set_extmark(bufnr, namespace, row, 0, new))
end

--- Looked for, not made: a hunk in a file that is not open waits for it.
local function loaded_buffer(uri)
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(bufnr) and vim.uri_from_bufnr(bufnr) == uri then
      return bufnr
    end
  end
end

--- A `hunksChanged` event.
function M.update(event)
  local review = reviews[event.reviewId] or {}
  for _, hunk in ipairs(event.hunks) do
    for id, other in pairs(reviews) do
      for key, old in pairs(other) do
        if old.uri == hunk.uri and (id ~= event.reviewId or key == hunk.hunkId) then
          erase(old) -- a new proposal for a document takes the place of the one before
          other[key] = nil
        end
      end
    end
    if hunk.state == 'pending' or hunk.state == 'stale' then
      review[hunk.hunkId] = hunk
      local bufnr = loaded_buffer(hunk.uri)
      if bufnr then
        draw(bufnr, hunk)
      end
    end
  end
  reviews[event.reviewId] = next(review) and review or nil
end

--- What is pending for a buffer that was opened only now.
function M.draw_buffer(bufnr)
  local uri = vim.uri_from_bufnr(bufnr)
  for _, review in pairs(reviews) do
    for _, hunk in pairs(review) do
      if hunk.uri == uri then
        draw(bufnr, hunk)
      end
    end
  end
end

return M
