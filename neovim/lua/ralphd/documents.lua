-- The server's own documents, whose names begin with `ralph:`.

local client_of = require('ralphd.client').get
local messages = require('ralphd.messages')

local M = {}

local api = vim.api

local function fill(bufnr, client)
  local uri = vim.b[bufnr].ralphd_uri
  local answer = client:request_sync('workspace/textDocumentContent', { uri = uri }, 2000, bufnr)
  local text = answer and answer.result and answer.result.text
  if not text then
    local why = answer and answer.err and answer.err.message or 'no answer from ralphd'
    messages.complain(('%s cannot be shown: %s'):format(uri, why))
    return
  end
  vim.bo[bufnr].modifiable = true
  api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split((text:gsub('\n$', '')), '\n'))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].modified = false
  vim.bo[bufnr].filetype = vim.filetype.match({ filename = uri, buf = bufnr }) or ''
end

--- Fills a buffer whose name is a `ralph:` URI with the server's document.
function M.read(bufnr)
  -- Neovim puts the current folder before a name without `//`.
  vim.b[bufnr].ralphd_uri = api.nvim_buf_get_name(bufnr):match('ralph:.*$')
  vim.bo[bufnr].buftype = 'nofile'
  vim.bo[bufnr].swapfile = false
  local client = client_of(nil)
  if client then
    fill(bufnr, client)
  end
end

function M.refresh(uri, client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if client and api.nvim_buf_is_loaded(bufnr) and vim.b[bufnr].ralphd_uri == uri then
      vim.schedule(function()
        fill(bufnr, client)
      end)
    end
  end
end

return M
