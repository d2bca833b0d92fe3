-- `:Ralph undo`: put back all that was accepted of the latest review, whatever was edited elsewhere since. What was
-- edited in those lines themselves stays, and then nothing is put back. The changes wait again afterwards.

local client = require('ralphd.client')
local messages = require('ralphd.messages')
local review = require('ralphd.review')

local M = {}

local api = vim.api

--- The text that stands in a buffer where an LSP range says.
local function text_at(bufnr, range, encoding)
  local function place(position)
    local line = api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1]
    if not line then -- the end of the last line, from the line behind it
      return api.nvim_buf_line_count(bufnr) - 1, -1, true
    end
    return position.line, vim.str_byteindex(line, encoding, position.character, false), false
  end
  local row, column = place(range.start)
  local last_row, last_column, beyond = place(range['end'])
  local text = table.concat(api.nvim_buf_get_text(bufnr, row, column, last_row, last_column, {}), '\n')
  return beyond and text .. '\n' or text
end

--- The edits by buffer; nil and a sentence where one of the lines is not as it was accepted.
local function edits_of(hunks)
  local found = {}
  for _, hunk in ipairs(hunks) do
    local bufnr = vim.uri_to_bufnr(hunk.uri)
    local server = client.get(bufnr)
    local name = vim.fs.basename(vim.uri_to_fname(hunk.uri))
    if not server then
      return nil, ('ralphd is not running for %s'):format(name)
    end
    vim.fn.bufload(bufnr)
    if text_at(bufnr, hunk.range, server.offset_encoding) ~= hunk.newText:gsub('\r\n?', '\n') then
      return nil, ('change %d in %s was edited since, so nothing was taken back'):format(hunk.number, name)
    end
    found[bufnr] = found[bufnr] or {}
    table.insert(found[bufnr], { range = hunk.range, newText = hunk.oldText })
  end
  return found
end

function M.all()
  local hunks, created = {}, {}
  for _, hunk in ipairs(review.taken()) do
    table.insert(hunk.creates and created or hunks, hunk)
  end
  if #hunks + #created == 0 then
    return messages.complain('nothing was accepted that could be taken back')
  end
  local edits, why = edits_of(hunks)
  if not edits then
    return messages.complain(why)
  end
  for bufnr, of_buffer in pairs(edits) do
    vim.lsp.util.apply_text_edits(of_buffer, bufnr, client.get(bufnr).offset_encoding)
  end
  for _, hunk in ipairs(created) do
    messages.say(('Ralph: %s is a new file and stays; delete it yourself'):format(vim.fs.basename(vim.uri_to_fname(hunk.uri))))
  end
end

return M
