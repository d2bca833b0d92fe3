-- How Neovim (0.11 or later) starts ralphd: `vim.lsp.enable('ralphd')` in the init is all that is needed.
-- What is yours to set (:help ralphd-settings): vim.lsp.config('ralphd', { init_options = { userSettings = { ... } } })

---@type vim.lsp.Config
return {
  cmd = { 'ralphd', 'serve' },
  -- No filetypes: it attaches to every file. The repository, or the root of a workspace of several packages, is the
  -- workspace; never the nearest package.json. Where there is none of these, the server finds each file's project.
  root_markers = { '.git', 'pnpm-workspace.yaml', 'go.work', 'lerna.json', 'nx.json', 'rush.json' },
  capabilities = {
    experimental = { ralph = { events = true, stream = true } },
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
      require('ralphd').streamed(delta)
    end,
    ['ralph/runEnded'] = function(_, result)
      require('ralphd').run_ended(result)
    end,
    -- Neovim's own shows the whole text, and asks for Enter where it is longer than the line.
    ['window/showMessage'] = function(_, params)
      require('ralphd').message(params)
    end,
    ['workspace/textDocumentContent/refresh'] = function(_, params, ctx)
      require('ralphd').refresh_document(params.uri, ctx.client_id)
      return vim.NIL
    end,
  },
}
