---@brief
---
--- A language server that implements, reviews and attacks code; success is decided by your tests.
---
--- Install it with `uv tool install ralphd`. Code actions (`gra`) start it; pending changes are diagnostics with code
--- lenses that accept and reject them. The plugin in the project's folder `neovim/` shows more.

---@type vim.lsp.Config
return {
  cmd = { 'ralphd', 'serve' },
  root_markers = { '.git', 'pnpm-workspace.yaml', 'go.work', 'lerna.json', 'nx.json', 'rush.json' },
}
