-- Draws the changes of a buffer: old lines tinted, new lines below them in their language's colours, what they are
-- proved by above. Nothing of it is in the buffer's text.

local changed_words = require('ralphd.changed_words')
local colours = require('ralphd.colours')
local keys = require('ralphd.keys')

local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('ralphd.review')

local function plain(text)
  return (text:gsub('\r\n?', '\n'):gsub('\n$', ''))
end

--- In a few words: what the changes of a review are verified by.
function M.proof_words(review)
  local proof = review.proof
  if not proof then
    return ''
  elseif proof.state == 'verified' or proof.state == 'reproduces' then
    return proof.evidence ~= '' and proof.evidence or proof.sentence
  end
  return 'NOT verified: ' .. proof.sentence
end

--- The line above a change, and at the first one of a buffer the keys.
local function banner(hunk, with_keys)
  local total = #hunk.review.hunks
  local outside = hunk.outsideTarget and not hunk.creates and ' · outside what you asked for' or ''
  local going = hunk.newText == '' and ' · these lines go' or ''
  local text = ('━━ Ralph: change %d of %d%s%s · %s'):format(hunk.number, total, outside, going, M.proof_words(hunk.review))
  local lines = { { { text, 'RalphBanner' } } }
  if with_keys then
    table.insert(lines, { { '   ' .. keys.help(), 'RalphKeys' } })
  end
  return lines
end

--- The new text as lines of chunks, kept as long as the text is the same.
local function coloured(bufnr, hunk, first, last)
  local text, old = plain(hunk.newText), plain(hunk.oldText)
  if hunk.newText == '' then
    return {}, {}
  end
  local seen = hunk.review.coloured or {}
  hunk.review.coloured = seen
  local key = table.concat({ hunk.hunkId, vim.bo[bufnr].filetype, vim.o.columns, text }, '\1')
  if not seen[key] then
    local gone, come = changed_words.between(old, text)
    seen[key] = { lines = colours.lines(bufnr, first, last, text, come), gone = gone }
  end
  return seen[key].lines, seen[key].gone
end

--- Marks the words of the old lines that are not in the new ones. `pieces`: [start, stop) bytes of the old text.
local function mark_words(bufnr, first, last, pieces)
  local at = 0
  for row = first, last - 1 do
    local line = api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
    for _, piece in ipairs(pieces) do
      local start, stop = math.max(piece[1] - at, 0), math.min(piece[2] - at, #line)
      if start < stop then
        local mark = { end_col = stop, hl_group = 'RalphOldWord', priority = 210, strict = false }
        api.nvim_buf_set_extmark(bufnr, namespace, row, start, mark)
      end
    end
    at = at + #line + 1
  end
end

--- Lines above the first one show only where the window makes room for them.
local function make_room(bufnr, count)
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    api.nvim_win_call(window, function()
      if vim.fn.line('w0') == 1 then
        vim.fn.winrestview({ topfill = count })
      end
    end)
  end
end

local function draw_stale(bufnr, hunk)
  local first, last = require('ralphd.review').rows(hunk, bufnr)
  local text = '  Ralph: these lines have changed, so this proposal no longer fits'
  local mark = { virt_lines = { { { text, 'RalphKeys' } } }, strict = false }
  api.nvim_buf_set_extmark(bufnr, namespace, math.max(math.min(first, last - 1), 0), 0, mark)
end

local function draw_hunk(bufnr, hunk, with_keys)
  local first, last = require('ralphd.review').rows(hunk, bufnr)
  local new, gone = coloured(bufnr, hunk, first, last)
  if last > first then
    local old = { end_row = last, hl_group = 'RalphOld', hl_eol = true, priority = 200, strict = false }
    api.nvim_buf_set_extmark(bufnr, namespace, first, 0, old)
    mark_words(bufnr, first, last, gone)
  end
  -- Below the last old line; what is only inserted goes below the line before it.
  local lines = vim.list_extend(banner(hunk, with_keys), new)
  local above = last == 0
  local mark = { virt_lines = lines, virt_lines_above = above, strict = false }
  api.nvim_buf_set_extmark(bufnr, namespace, math.max(last - 1, 0), 0, mark)
  if above then
    make_room(bufnr, #lines)
  end
end

--- Neovim 0.12 paints lines twice or not at all where virtual lines go away near an edit: paint all of the window.
local function paint_anew(bufnr)
  for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
    api.nvim__redraw({ win = window, valid = false })
  end
end

function M.draw(bufnr)
  api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  paint_anew(bufnr)
  if require('ralphd.comparing').of(bufnr) then
    return -- the diff beside it shows the same
  end
  local review = require('ralphd.review')
  local with_keys = true
  for _, hunk in ipairs(review.shown_in(bufnr)) do
    if hunk.state == 'stale' then
      draw_stale(bufnr, hunk)
    else
      draw_hunk(bufnr, hunk, with_keys)
      with_keys = false
    end
  end
  local new = vim.tbl_map(function(hunk)
    return ('new file %s (change %d of %d)'):format(
      vim.fn.fnamemodify(vim.uri_to_fname(hunk.uri), ':t'),
      hunk.number,
      #hunk.review.hunks
    )
  end, review.new_files(bufnr))
  if #new > 0 then
    -- Below the first line: a line above it shows only where the window makes room, and beside it there may be none.
    local text = ('━━ Ralph: %s · :Ralph next shows it'):format(table.concat(new, ', '))
    api.nvim_buf_set_extmark(bufnr, namespace, 0, 0, { virt_lines = { { { text, 'RalphBanner' } } }, strict = false })
  end
end

--- A new file's whole text is what comes.
function M.draw_new(bufnr, hunk)
  api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  local count = api.nvim_buf_line_count(bufnr)
  local tint = { end_row = count, hl_group = 'RalphNew', hl_eol = true, priority = 50, strict = false }
  api.nvim_buf_set_extmark(bufnr, namespace, 0, 0, tint)
  -- Below the last line, where no window has to make room for it.
  api.nvim_buf_set_extmark(bufnr, namespace, count - 1, 0, { virt_lines = banner(hunk, true), strict = false })
end

return M
