-- :checkhealth ralphd

local M = {}

function M.check()
  local health = vim.health
  health.start('ralphd')

  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim 0.11 or later is needed')
    return
  end
  health.ok(tostring(vim.version()))

  local config = vim.lsp.config.ralphd
  local program = config and type(config.cmd) == 'table' and config.cmd[1]
  if not program then
    health.error("no configuration 'ralphd'", "Is the plugin's folder on 'runtimepath'?")
    return
  end
  if vim.fn.executable(program) == 1 then
    health.ok(('the server is %s'):format(vim.fn.exepath(program)))
  else
    health.error(('%s is not on PATH'):format(program), {
      'Install the Python package ralphd,',
      "or name it: vim.lsp.config('ralphd', { cmd = { '/path/to/ralphd', 'serve' } })",
    })
  end

  if vim.lsp.is_enabled and not vim.lsp.is_enabled('ralphd') then
    health.warn('not enabled', "Put vim.lsp.enable('ralphd') into your init.")
  end

  local clients = vim.lsp.get_clients({ name = 'ralphd' })
  if #clients == 0 then
    health.warn('not running', 'Open a file; :lua vim.cmd.edit(vim.lsp.log.get_filename()) shows why it did not start.')
    return
  end
  for _, client in ipairs(clients) do
    local answer = client:request_sync('workspace/executeCommand', { command = 'ralph.server.status' }, 5000)
    local status = answer and answer.result
    if status then
      health.ok(('running for %s, version %s'):format(client.root_dir or 'single files', status.version))
      for _, part in ipairs({ 'models', 'sandbox', 'trust' }) do
        health.info(('%s: %s'):format(part, vim.inspect(status[part], { newline = ' ', indent = '' })))
      end
    else
      local why = answer and answer.err and answer.err.message or 'no answer within 5 s'
      health.error(('running, but gives no status: %s'):format(why))
    end
  end
  health.info('`ralphd doctor` in a shell says what is configured, found, missing and reachable')
end

return M
