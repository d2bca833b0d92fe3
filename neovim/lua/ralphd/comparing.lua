-- `:Ralph diff`: a file beside what it will be when all that waits in it is accepted, in Neovim's own diff mode.

local messages = require('ralphd.messages')
local review = require('ralphd.review')

local M = {}

local api = vim.api

local compared = {} ---@type table<integer, integer> the buffer of the text after, by that of the file

local function pending(bufnr)
  return vim.tbl_filter(function(hunk)
    return hunk.state == 'pending'
  end, review.shown_in(bufnr))
end

--- Fill the right side: the file's text with all that waits in it.
local function fill(bufnr, after)
  local client = require('ralphd.client').get(bufnr)
  local edits = vim.tbl_map(function(hunk)
    return { range = hunk.range, newText = hunk.newText }
  end, pending(bufnr))
  vim.bo[after].modifiable = true
  api.nvim_buf_set_lines(after, 0, -1, false, api.nvim_buf_get_lines(bufnr, 0, -1, false))
  vim.lsp.util.apply_text_edits(edits, after, client and client.offset_encoding or 'utf-8')
  vim.bo[after].modifiable = false
end

--- Whether the file is compared now: the diff shows its changes then.
function M.of(bufnr)
  return compared[bufnr] ~= nil
end

--- After something was decided.
function M.sync(bufnr)
  if compared[bufnr] then
    fill(bufnr, compared[bufnr])
  end
end

local function over(bufnr)
  compared[bufnr] = nil
  vim.schedule(function()
    if api.nvim_buf_is_valid(bufnr) then
      for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
        api.nvim_win_call(window, vim.cmd.diffoff)
      end
      review.show(bufnr)
    end
  end)
end

function M.open()
  local bufnr = api.nvim_get_current_buf()
  if #pending(bufnr) == 0 then
    if not review.step(1) then
      messages.complain('no change is pending')
      return
    end
    bufnr = api.nvim_get_current_buf()
    if #pending(bufnr) == 0 then
      return -- a new file: all of it is new, and it is shown
    end
  end
  local after = api.nvim_create_buf(false, true)
  fill(bufnr, after)
  vim.bo[after].filetype = vim.bo[bufnr].filetype
  vim.bo[after].bufhidden = 'wipe'
  api.nvim_buf_set_name(after, ('ralph-after://%d/%s'):format(after, vim.fs.basename(api.nvim_buf_get_name(bufnr))))
  compared[bufnr] = after
  vim.cmd('tab split')
  api.nvim_win_set_buf(0, bufnr)
  vim.cmd('diffthis')
  vim.cmd('rightbelow vsplit')
  api.nvim_win_set_buf(0, after)
  vim.cmd('diffthis')
  vim.cmd('wincmd p') -- the keys work in the file
  review.show(bufnr)
  api.nvim_create_autocmd('BufWipeout', {
    buffer = after,
    callback = function()
      over(bufnr)
    end,
  })
end

return M
