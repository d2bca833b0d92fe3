-- Text that is not in a buffer, coloured as it would be there: by tree-sitter where the language has a parser, else by
-- Vim's syntax files. And the groups that tint what goes and what comes.

local M = {}

local api = vim.api

--- Lines of the file around the text that are read with it, so that the grammar knows where it is.
local AROUND = 200
--- Longer texts are shown without colours: the editor must not wait.
local MOST_BYTES = 100000

local TINTS = {
  dark = {
    RalphOld = { bg = '#45212a', ctermbg = 52 },
    RalphOldWord = { bg = '#7d2f3c', ctermbg = 88 },
    RalphNew = { bg = '#1b3a26', ctermbg = 22 },
    RalphNewWord = { bg = '#2d6b41', ctermbg = 28 },
  },
  light = {
    RalphOld = { bg = '#ffdedb', ctermbg = 224 },
    RalphOldWord = { bg = '#ffb8b0', ctermbg = 217 },
    RalphNew = { bg = '#d7f5dd', ctermbg = 194 },
    RalphNewWord = { bg = '#a0e3ae', ctermbg = 157 },
  },
}

--- A colour scheme may define the groups itself: these are only defaults.
function M.define()
  for name, tint in pairs(TINTS[vim.o.background]) do
    api.nvim_set_hl(0, name, vim.tbl_extend('force', tint, { default = true }))
  end
  api.nvim_set_hl(0, 'RalphBanner', { link = 'Title', default = true })
  api.nvim_set_hl(0, 'RalphKeys', { link = 'Comment', default = true })
end

--- Characters that would hide or reorder what is shown, written as their numbers.
local function visible(text)
  return (text:gsub('[%z\1-\127\194-\244][\128-\191]*', function(char)
    local code = vim.fn.char2nr(char)
    local hidden = (code < 32 and code ~= 9)
      or (code >= 0x7F and code <= 0x9F)
      or code == 0xAD
      or code == 0x61C
      or code == 0x180E
      or (code >= 0x200B and code <= 0x200F)
      or (code >= 0x2028 and code <= 0x202E)
      or (code >= 0x2060 and code <= 0x206F)
      or code == 0xFEFF
      or (code >= 0xE0000 and code <= 0xE007F)
    return hidden and ('\\u{%x}'):format(code) or nil
  end))
end

--- Group names by row and byte: `marks[row][byte]` is a list, the row counted from `first`.
local function by_tree(whole, filetype, first, count)
  local language = vim.treesitter.language.get_lang(filetype)
  local query = language and vim.treesitter.language.add(language) and vim.treesitter.query.get(language, 'highlights')
  if not query then
    return nil
  end
  local parser = vim.treesitter.get_string_parser(whole, language)
  local marks = {}
  for id, node in query:iter_captures(parser:parse()[1]:root(), whole, first, first + count) do
    local name = query.captures[id]
    if not name:find('^_') and not name:find('^n?o?spell$') and name ~= 'conceal' then
      local r1, c1, r2, c2 = node:range()
      for row = math.max(r1, first), math.min(r2, first + count - 1) do
        local line = marks[row - first + 1] or {}
        marks[row - first + 1] = line
        table.insert(line, { row == r1 and c1 or 0, row == r2 and c2 or math.huge, ('@%s.%s'):format(name, language) })
      end
    end
  end
  return marks
end

--- The same by the syntax file of a file type, in a buffer that is thrown away.
local function by_syntax(whole, filetype, first, count)
  local scratch = api.nvim_create_buf(false, true)
  local lines = vim.split(whole, '\n')
  api.nvim_buf_set_lines(scratch, 0, -1, false, lines)
  local marks = {}
  api.nvim_buf_call(scratch, function()
    vim.bo.syntax = filetype
    for row = 1, count do
      marks[row] = {}
      for column = 1, math.min(#(lines[first + row] or ''), 300) do
        local group = vim.fn.synIDattr(vim.fn.synIDtrans(vim.fn.synID(first + row, column, 1)), 'name')
        if group ~= '' then
          table.insert(marks[row], { column - 1, column, group })
        end
      end
    end
  end)
  api.nvim_buf_delete(scratch, { force = true })
  return marks
end

--- One line as chunks for virtual text. `tints`: of the whole line, and [start, stop) bytes of its changed words.
local function chunks(line, marks, base, word, words, tabstop)
  local found, start, last = {}, 0, nil
  local function groups_at(byte)
    local groups = { base }
    for _, mark in ipairs(marks or {}) do
      if mark[1] <= byte and byte < mark[2] then
        groups[2] = mark[3] -- the innermost comes last
      end
    end
    for _, piece in ipairs(words) do
      if piece[1] <= byte and byte < piece[2] then
        table.insert(groups, word)
      end
    end
    return groups
  end
  local function flush(stop)
    if stop > start then
      local text = visible(line:sub(start + 1, stop)):gsub('\t', (' '):rep(tabstop))
      table.insert(found, { text, last })
    end
  end
  for byte = 0, #line - 1 do
    local groups = groups_at(byte)
    -- Never between the bytes of one character.
    if not vim.deep_equal(groups, last) and not line:sub(byte + 1, byte + 1):find('[\128-\191]') then
      flush(byte)
      start, last = byte, groups
    end
  end
  flush(#line)
  -- Virtual lines have no tint of their own behind their text.
  table.insert(found, { (' '):rep(vim.o.columns), base })
  return found
end

--- `text` as it would be coloured in the place of the lines `first` to `last` (from 0, `last` not among them) of a
--- buffer: one list of chunks for each line. `words`: [start, stop) bytes of `text` to be marked.
function M.lines(bufnr, first, last, text, words)
  local new = vim.split(text, '\n')
  local before = api.nvim_buf_get_lines(bufnr, math.max(first - AROUND, 0), first, false)
  local after = api.nvim_buf_get_lines(bufnr, last, last + AROUND, false)
  local whole = table.concat(vim.list_extend(vim.list_extend(vim.deepcopy(before), new), after), '\n')
  local filetype, marks = vim.bo[bufnr].filetype, nil
  if filetype ~= '' and #whole <= MOST_BYTES then
    local ok, found = pcall(by_tree, whole, filetype, #before, #new)
    marks = ok and found or by_syntax(whole, filetype, #before, #new)
  end
  local rows, at = {}, 0
  for number, line in ipairs(new) do
    local here = {}
    for _, piece in ipairs(words) do
      if piece[2] > at and piece[1] < at + #line then
        table.insert(here, { piece[1] - at, piece[2] - at })
      end
    end
    local of_line = marks and marks[number]
    table.insert(rows, chunks(line, of_line, 'RalphNew', 'RalphNewWord', here, vim.bo[bufnr].tabstop))
    at = at + #line + 1
  end
  return rows
end

return M
