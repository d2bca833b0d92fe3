-- All changes that wait, of all files, as a quickfix list. It follows the reviews as long as it is there.

local review = require('ralphd.review')

local M = {}

local list ---@type integer? the id of our list

local function entries()
  local found = {}
  for _, group in ipairs(review.groups()) do
    for _, hunk in ipairs(group) do
      local first = vim.split(hunk.newText ~= '' and hunk.newText or hunk.oldText, '\n')[1]
      local what = hunk.creates and 'new file' or hunk.newText == '' and 'goes' or hunk.oldText == '' and 'comes' or 'changes'
      table.insert(found, {
        bufnr = hunk.creates and require('ralphd.new_files').open(hunk) or nil,
        filename = not hunk.creates and vim.uri_to_fname(hunk.uri) or nil,
        lnum = hunk.creates and 1 or hunk.range.start.line + 1,
        text = ('change %d of %d, %s: %s'):format(hunk.number, #hunk.review.hunks, what, vim.trim(first)),
      })
    end
  end
  return found
end

function M.open()
  vim.fn.setqflist({}, ' ', { title = 'Ralph: changes that wait', items = entries() })
  list = vim.fn.getqflist({ id = 0 }).id
  vim.cmd('botright copen')
end

function M.sync()
  if list and vim.fn.getqflist({ id = list }).id == list then
    vim.fn.setqflist({}, 'r', { id = list, items = entries() })
  else
    list = nil
  end
end

return M
