-- How Neovim (0.11 or later) starts ralphd: `vim.lsp.enable('ralphd')` in the init is all that is needed.
-- What is yours to set (:help ralphd-settings): vim.lsp.config('ralphd', { init_options = { userSettings = { ... } } })

---@type vim.lsp.Config
return {
  cmd = { 'ralphd', 'serve' },
  -- No filetypes: it attaches to every file. The repository, or the root of a workspace of several packages, is the
  -- workspace; never the nearest package.json. Where there is none of these, the server finds each file's project.
  root_markers = { '.git', 'pnpm-workspace.yaml', 'go.work', 'lerna.json', 'nx.json', 'rush.json' },
  capabilities = {
    -- `review`: this plugin draws changes itself, so the server sends no code lenses and no diagnostics for them.
    experimental = { ralph = { events = true, stream = true, review = true } },
    -- Neovim itself has none; plugin/ralphd.lua reads the server's `ralph:` documents.
    workspace = { textDocumentContent = { dynamicRegistration = false } },
  },
  handlers = {
    ['ralph/event'] = function(_, event)
      if event.type == 'hunksChanged' then
        require('ralphd.review').update(event)
      end
    end,
    ['ralph/stream'] = function(_, delta)
      require('ralphd.stream').take(delta)
    end,
    ['ralph/runEnded'] = function(_, result)
      require('ralphd.endings').take(result)
    end,
    -- Neovim's own asks for Enter where the text is longer than the line, also in the middle of typing.
    ['window/showMessage'] = function(_, params)
      local text = params.message:find('^Ralph') and params.message or 'Ralph: ' .. params.message
      require('ralphd.messages').say(text, ({ 'ErrorMsg', 'WarningMsg' })[params.type])
    end,
    ['workspace/textDocumentContent/refresh'] = function(_, params, ctx)
      require('ralphd.documents').refresh(params.uri, ctx.client_id)
      return vim.NIL
    end,
  },
  on_exit = function(code, signal)
    vim.schedule(function()
      local lost = require('ralphd.progress').status()
      require('ralphd.review').clear()
      require('ralphd.progress').clear()
      if (code ~= 0 or signal ~= 0) and vim.v.exiting == vim.NIL then
        require('ralphd.endings').gone(lost)
      end
    end)
  end,
}
