-- :checkhealth ralphd. What stops a run is an error, with the line that mends it.

local M = {}

local health = vim.health
--- Looking at providers and tools takes seconds, on a slow line many.
local PATIENCE_MS = 60000

--- What to do about a problem that the server names, by a word of its sentence.
local MENDS = {
  { 'No model', { ':Ralph setup', 'or, in ~/.config/ralphd/config.yaml:  models: {default: {model: sonnet}}' } },
  { 'embedded', { ':Ralph setup', 'or in a shell: ralphd fetch-model' } },
  { 'key', { ':Ralph key', 'or set the variable that the sentence names before Neovim starts' } },
  { 'A model', { ':Ralph setup', 'or in a shell: ralphd doctor' } },
  { 'setting', { 'The file and the line stand in the sentence; `ralphd config check` in a shell lists all of them.' } },
  { 'bubblewrap', { 'In a shell: apt install bubblewrap (or your distribution’s command)' } },
}

local function mend(problem)
  for _, known in ipairs(MENDS) do
    if problem:find(known[1], 1, true) then
      return known[2]
    end
  end
  return { ':Ralph doctor shows the whole report' }
end

--- The program that the configuration starts; nil where there is none.
local function check_program()
  local config = vim.lsp.config.ralphd
  local program = config and type(config.cmd) == 'table' and config.cmd[1]
  if not program then
    health.error("no configuration 'ralphd'", "Put the plugin's folder on 'runtimepath': vim.opt.runtimepath:prepend('…/neovim')")
  elseif vim.fn.executable(program) == 1 then
    health.ok(('the server is %s'):format(vim.fn.exepath(program)))
  else
    health.error(('%s is not on PATH, so no run can begin'):format(program), {
      'In a shell: uv tool install ralphd',
      "or name it in your init: vim.lsp.config('ralphd', { cmd = { '/path/to/ralphd', 'serve' } })",
    })
  end
end

local function ask(client, command, argument)
  local call = { command = 'ralph.server.' .. command, arguments = { argument } }
  local answer = client:request_sync('workspace/executeCommand', call, PATIENCE_MS)
  if answer and answer.result then
    return answer.result
  end
  health.error(('running, but it does not answer: %s'):format(answer and answer.err and answer.err.message or 'too slow'))
end

local function check_client(client)
  local status = ask(client, 'status')
  if not status then
    return
  end
  health.ok(('running for %s, version %s'):format(client.root_dir or 'single files', status.version))
  local report = ask(client, 'doctor', { show = false })
  for _, problem in ipairs(report and report.problems or {}) do
    health.error('No run can begin: ' .. problem, mend(problem))
  end
  if report and #report.problems == 0 then
    health.ok('a run can begin')
  end
  if report and not report.tests then
    health.warn('no test command is set, so nothing that comes back is verified', {
      'In ralph.config.yaml of the project:  testing: {command: pytest -q}',
    })
  elseif report then
    health.ok(('tests are run by: %s'):format(report.tests))
  end
  for _, line in ipairs(require('ralphd.standing').lines(status)) do
    if line ~= '' then
      health.info(line)
    end
  end
end

function M.check()
  health.start('ralphd')
  if vim.fn.has('nvim-0.11') == 0 then
    health.error('Neovim 0.11 or later is needed', 'In a shell: nvim --version')
    return
  end
  health.ok('Neovim ' .. tostring(vim.version()))
  check_program()
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('ralphd') then
    health.error('not enabled, so no run can begin', "Put this into your init: vim.lsp.enable('ralphd')")
  end
  local clients = vim.lsp.get_clients({ name = 'ralphd' })
  if #clients == 0 then
    health.warn('not running', 'Open a file. Why it did not start: :lua vim.cmd.edit(vim.lsp.log.get_filename())')
  end
  for _, client in ipairs(clients) do
    check_client(client)
  end
end

return M
