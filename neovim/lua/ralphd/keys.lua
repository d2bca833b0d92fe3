-- Keys that are there only while a change waits in a buffer. Each maps to a <Plug> mapping; where the person maps one
-- of those themselves, theirs counts. `vim.g.ralphd_keys = false` sets none.

local M = {}

local DEFAULTS = {
  { ']r', 'Next', 'next' },
  { '[r', 'Previous', 'previous' },
  { '<LocalLeader>a', 'Accept', 'accept' },
  { '<LocalLeader>x', 'Reject', 'reject' },
  { '<LocalLeader>X', 'RejectWithReason', 'with a reason' },
  { '<LocalLeader>t', 'Retry', 'again' },
  { '<LocalLeader>A', 'AcceptAll', 'all' },
  { '<LocalLeader>d', 'Diff', 'diff' },
}

local with_keys = {} ---@type table<integer, boolean>

--- The key that leads to a <Plug> mapping in the current buffer, as the person writes it; nil where none does.
local function key_of(plug)
  for _, maps in ipairs({ vim.api.nvim_buf_get_keymap(0, 'n'), vim.api.nvim_get_keymap('n') }) do
    for _, map in ipairs(maps) do
      if map.rhs == plug then
        return map.lhs
      end
    end
  end
end

--- One line for the banner.
function M.help()
  local said = {}
  for _, default in ipairs(DEFAULTS) do
    local lhs, name, what = unpack(default)
    local key = key_of(('<Plug>(Ralph%s)'):format(name))
    if not key and vim.g.ralphd_keys ~= false then
      local leader = vim.g.maplocalleader or '\\'
      key = lhs:gsub('<LocalLeader>', (leader:gsub('%%', '%%%%')))
    end
    if key then
      table.insert(said, ('%s %s'):format(key, what))
    end
  end
  return #said > 0 and table.concat(said, '  ') or ':Ralph accept  :Ralph reject  :Ralph next'
end

--- Set the keys of a buffer, or take them away.
function M.sync(bufnr, wanted)
  wanted = wanted and vim.g.ralphd_keys ~= false
  if wanted == (with_keys[bufnr] or false) then
    return
  end
  vim.api.nvim_buf_call(bufnr, function()
    for _, default in ipairs(DEFAULTS) do
      local lhs, plug = default[1], ('<Plug>(Ralph%s)'):format(default[2])
      local now = vim.fn.maparg(lhs, 'n', false, true)
      local theirs = now.buffer == 1 and now.rhs ~= plug or vim.fn.hasmapto(plug, 'n') == 1
      if wanted and not theirs then
        vim.keymap.set('n', lhs, plug, { buffer = bufnr, remap = true, desc = 'Ralph: ' .. default[3] })
      elseif not wanted and now.buffer == 1 and now.rhs == plug then
        vim.keymap.del('n', lhs, { buffer = bufnr })
      end
    end
  end)
  with_keys[bufnr] = wanted or nil
end

return M
