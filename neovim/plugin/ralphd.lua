-- :Ralph, <Plug> mappings, progress and `ralph:` documents. Starts nothing: that is the person's init.

if vim.g.loaded_ralphd or vim.fn.has('nvim-0.11') == 0 then
  return
end
vim.g.loaded_ralphd = true

vim.api.nvim_create_user_command('Ralph', function(opts)
  require('ralphd.commands').run(opts)
end, {
  nargs = '+',
  range = true,
  desc = 'Ralph: implement, critique, chaos tests, second opinions, and what comes of them',
  complete = function(lead, line)
    return require('ralphd.commands').complete(lead, line)
  end,
})

local plugs = {
  [{ 'n', 'x' }] = { Implement = 'implement', Critique = 'critique', Chaos = 'chaos', Opinions = 'opinions' },
  [{ 'n' }] = {
    Cancel = 'cancel',
    Next = 'next',
    Previous = 'prev',
    Accept = 'accept',
    AcceptAll = 'accept all',
    Reject = 'reject',
    RejectAll = 'reject all',
    Retry = 'retry',
    Diff = 'diff',
    Changes = 'changes',
    Act = 'act',
    Status = 'status',
    Stream = 'stream',
  },
}
for modes, maps in pairs(plugs) do
  for name, command in pairs(maps) do
    -- `:` and not <Cmd>: in visual mode it brings the selected lines along.
    vim.keymap.set(modes, ('<Plug>(Ralph%s)'):format(name), (':Ralph %s<CR>'):format(command), { silent = true })
  end
end
vim.keymap.set('n', '<Plug>(RalphRejectWithReason)', ':Ralph reject ') -- the person types on

local group = vim.api.nvim_create_augroup('ralphd', {})

local function define_colours()
  require('ralphd.colours').define()
end
vim.api.nvim_create_autocmd('ColorScheme', { group = group, callback = define_colours })

local function ours(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  return client ~= nil and client.name == 'ralphd'
end

vim.api.nvim_create_autocmd('LspProgress', {
  group = group,
  callback = function(event)
    if ours(event.data.client_id) then
      require('ralphd.progress').take(event.data.params)
    end
  end,
})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    if ours(event.data.client_id) then
      define_colours()
      require('ralphd.review').show(event.buf)
    end
  end,
})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = { 'ralph:*', 'ralph:/*', 'ralph://*' },
  callback = function(event)
    require('ralphd.documents').read(event.buf)
  end,
})
