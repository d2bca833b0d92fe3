-- The way to the server: which client serves a buffer, and how a command of the server is sent.

local messages = require('ralphd.messages')

local M = {}

local api = vim.api

--- The client of a buffer, else any that runs.
---@return vim.lsp.Client?
function M.get(bufnr)
  return vim.lsp.get_clients({ name = 'ralphd', bufnr = bufnr })[1] or vim.lsp.get_clients({ name = 'ralphd' })[1]
end

--- As `get`, for the buffer at hand; where no server runs the person is told.
function M.required()
  local client = M.get(api.nvim_get_current_buf())
  if not client then
    messages.complain('ralphd is not running for this file; see :checkhealth ralphd')
  end
  return client
end

--- Send a command of the server for the buffer at hand; a refusal is shown, an answer goes to `on_answer`.
---@param command string its name behind `ralph.server.`
---@param argument? table
function M.execute(command, argument, on_answer)
  local client = M.required()
  if not client then
    return
  end
  local call = { title = command, command = 'ralph.server.' .. command, arguments = { argument } }
  -- A real buffer number: Neovim then sends what was typed before the request, so that no version is needed in it.
  client:exec_cmd(call, { bufnr = api.nvim_get_current_buf() }, function(err, result)
    if err then
      messages.complain(err.message)
    elseif on_answer then
      on_answer(result)
    end
  end)
end

--- The lines that were given to a user command, else the cursor, as the server's commands take them.
---@return table {uri, range, instruction?}
function M.target(opts)
  local bufnr = api.nvim_get_current_buf()
  local client = M.get(bufnr)
  local range
  if opts.range > 0 then
    range = { start = { line = opts.line1 - 1, character = 0 }, ['end'] = { line = opts.line2, character = 0 } }
  else
    range = vim.lsp.util.make_range_params(0, client and client.offset_encoding or 'utf-8').range
  end
  return { uri = vim.uri_from_bufnr(bufnr), range = range, instruction = opts.rest ~= '' and opts.rest or nil }
end

return M
