-- The reviews that the server tells of in `hunksChanged`: which changes wait, where, and which one is meant.
-- It keeps what it was told and has it shown; accepting and rejecting are the server's.

local M = {}

local api = vim.api

---@class ralphd.Review
---@field id string
---@field home string URI of the document that the run was on
---@field hunks table[] as in `hunksChanged`, each with its `number` and its `review`
---@field proof? table

---@type ralphd.Review[] the latest last; a review without a change that waits is kept while undoing can bring one back
local reviews = {}

local function index_of(id)
  for index, review in ipairs(reviews) do
    if review.id == id then
      return index
    end
  end
end

--- A buffer that is loaded; looked for, not made: a change in a file that is not open waits for it.
local function loaded_buffer(uri)
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(bufnr) and vim.uri_from_bufnr(bufnr) == uri then
      return bufnr
    end
  end
end

local function waits(hunk)
  return hunk.state == 'pending'
end

--- The rows of a buffer that a change takes the place of: [first, last) from 0.
local function rows(hunk, bufnr)
  local count = api.nvim_buf_line_count(bufnr)
  local first, last = hunk.range.start.line, hunk.range['end'].line
  if hunk.range['end'].character > 0 then
    last = last + 1
  end
  return math.min(first, count), math.min(last, count)
end
M.rows = rows

---@return ralphd.Review[] those in which something waits, the latest first
function M.waiting()
  local found = {}
  for _, review in ipairs(reviews) do
    if vim.iter(review.hunks):any(waits) then
      table.insert(found, 1, review)
    end
  end
  return found
end

--- The changes of a buffer that are shown in it, in the order of its text; new files are shown elsewhere.
function M.shown_in(bufnr)
  local uri, found = vim.uri_from_bufnr(bufnr), {}
  for _, review in ipairs(M.waiting()) do
    for _, hunk in ipairs(review.hunks) do
      if hunk.uri == uri and not hunk.creates and (waits(hunk) or hunk.state == 'stale') then
        table.insert(found, hunk)
      end
    end
  end
  table.sort(found, function(a, b)
    return a.range.start.line < b.range.start.line
  end)
  return found
end

--- The new files that runs on a buffer's document propose.
function M.new_files(bufnr)
  local uri, found = vim.uri_from_bufnr(bufnr), {}
  for _, review in ipairs(M.waiting()) do
    for _, hunk in ipairs(review.home == uri and review.hunks or {}) do
      if hunk.creates and waits(hunk) then
        table.insert(found, hunk)
      end
    end
  end
  return found
end

--- The waiting changes grouped by where they are shown, in the order in which `next` goes through them: the document of
--- the run first, then its new files, then the other files.
---@return table[][]
function M.groups()
  local groups = {}
  for _, review in ipairs(M.waiting()) do
    local by_uri, order = {}, {}
    for _, hunk in ipairs(review.hunks) do
      if waits(hunk) then
        if not by_uri[hunk.uri] then
          by_uri[hunk.uri] = {}
          table.insert(order, hunk.uri)
        end
        table.insert(by_uri[hunk.uri], hunk)
      end
    end
    local function rank(uri)
      return uri == review.home and 0 or by_uri[uri][1].creates and 1 or 2
    end
    table.sort(order, function(a, b)
      return rank(a) < rank(b) or (rank(a) == rank(b) and a < b)
    end)
    for _, uri in ipairs(order) do
      table.insert(groups, by_uri[uri])
    end
  end
  return groups
end

--- The review that a command means: that of the buffer at hand, else the latest.
function M.at_hand()
  local bufnr = api.nvim_get_current_buf()
  local here = M.at_cursor() or M.shown_in(bufnr)[1] or M.new_files(bufnr)[1]
  return here and here.review or M.waiting()[1]
end

--- The waiting change on the cursor's line, or the one whose new file the buffer shows.
function M.at_cursor()
  local bufnr = api.nvim_get_current_buf()
  local shown = require('ralphd.new_files').of(bufnr)
  if shown then
    return shown
  end
  local row, beside = api.nvim_win_get_cursor(0)[1] - 1, nil
  for _, hunk in ipairs(M.shown_in(bufnr)) do
    local first, last = rows(hunk, bufnr)
    if waits(hunk) and first <= row and row < last then
      return hunk
    elseif waits(hunk) and first == last and (row == first or row == first - 1) then
      beside = beside or hunk -- what is only inserted stands between two lines
    end
  end
  return beside
end

--- What is shown of a buffer: drawn anew, with its keys while something waits in it.
function M.show(bufnr)
  require('ralphd.drawing').draw(bufnr)
  require('ralphd.comparing').sync(bufnr)
  require('ralphd.keys').sync(bufnr, #M.shown_in(bufnr) + #M.new_files(bufnr) > 0)
end

local function show_all(uris)
  for uri in pairs(uris) do
    local bufnr = loaded_buffer(uri)
    if bufnr then
      M.show(bufnr)
    end
  end
  require('ralphd.new_files').sync()
  require('ralphd.changes_list').sync()
  vim.cmd.redrawstatus()
end

--- A `hunksChanged` event: it names all changes of its review.
function M.update(event)
  local at = index_of(event.reviewId)
  local review = at and reviews[at] or { id = event.reviewId, hunks = {} }
  local uris = {}
  for _, hunk in ipairs(review.hunks) do
    uris[hunk.uri] = true
  end
  review.hunks, review.home, review.proof = event.hunks, event.home, event.proof
  uris[event.home] = true
  local kept = false
  for number, hunk in ipairs(review.hunks) do
    hunk.number, hunk.review = number, review
    uris[hunk.uri] = true
    kept = kept or hunk.state == 'pending' or hunk.state == 'accepted'
  end
  if kept and not at then
    table.insert(reviews, review)
  elseif at and not kept then
    table.remove(reviews, at)
  end
  show_all(uris)
  require('ralphd.endings').proof(review)
end

--- The server is gone: what it had offered cannot be accepted any more. Another server offers it again.
function M.clear()
  local uris = {}
  for _, review in ipairs(reviews) do
    uris[review.home] = true
    for _, hunk in ipairs(review.hunks) do
      uris[hunk.uri] = true
    end
  end
  reviews = {}
  show_all(uris)
end

--- Go to the next (1) or previous (-1) change that waits, in another file where there is none in this one.
---@return boolean whether there is one
function M.step(direction)
  local groups, bufnr = M.groups(), api.nvim_get_current_buf()
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local at = 0
  for index, group in ipairs(groups) do
    local here = group[1].creates and require('ralphd.new_files').of(bufnr) == group[1]
      or not group[1].creates and vim.uri_from_bufnr(bufnr) == group[1].uri
    if here then
      at = index
      for i = direction == 1 and 1 or #group, direction == 1 and #group or 1, direction do
        local line = group[i].range.start.line
        if not group[i].creates and (line - row) * direction > 0 then
          M.go(group[i])
          return true
        end
      end
    end
  end
  if #groups == 0 then
    return false
  end
  local start = (at == 0 and direction == -1) and 1 or at
  local group = groups[(start - 1 + direction) % #groups + 1]
  M.go(direction == 1 and group[1] or group[#group])
  return true
end

--- Show a change, where it stands, and put the cursor there.
function M.go(hunk)
  vim.cmd("normal! m'")
  if hunk.creates then
    api.nvim_win_set_buf(0, require('ralphd.new_files').open(hunk))
    return
  end
  local bufnr = vim.uri_to_bufnr(hunk.uri)
  if bufnr ~= api.nvim_get_current_buf() then
    vim.bo[bufnr].buflisted = true
    api.nvim_win_set_buf(0, bufnr)
  end
  local line = math.min(hunk.range.start.line + 1, api.nvim_buf_line_count(bufnr))
  api.nvim_win_set_cursor(0, { line, 0 })
  vim.cmd('normal! zv')
end

--- The latest review in which something was accepted: what `:Ralph undo` takes back.
function M.taken()
  for index = #reviews, 1, -1 do
    local accepted = vim.tbl_filter(function(hunk)
      return hunk.state == 'accepted'
    end, reviews[index].hunks)
    if #accepted > 0 then
      return accepted
    end
  end
  return {}
end

return M
