-- Which words differ between two texts that replace one another. Touches no buffer.

local M = {}

--- Texts of more words are not compared.
local MOST_WORDS = 4000
--- Of the letters of the shorter text, the share that both must have in common before single words are marked.
local ALIKE = 0.3

--- Words, runs of white space and single other characters, in their order.
local function words(text)
  local found, at = {}, 1
  while at <= #text do
    local stop = select(2, text:find('^[%w_\128-\255]+', at)) or select(2, text:find('^%s+', at)) or at
    table.insert(found, text:sub(at, stop))
    at = stop + 1
  end
  return found
end

--- Bytes of `list` that belong to the words `first` to `first + count - 1`: [start, stop), counted from 0.
local function bytes(list, first, count)
  local start = 0
  for i = 1, first - 1 do
    start = start + #list[i]
  end
  local stop = start
  for i = first, first + count - 1 do
    stop = stop + #list[i]
  end
  return { start, stop }
end

local function letters(list, from, to)
  local count = 0
  for i = from, to do
    count = count + #(list[i]:gsub('%s', ''))
  end
  return count
end

--- The parts of each text that the other has not, as lists of [start, stop) in bytes from 0; two empty lists where the
--- texts have too little in common.
---@return integer[][] old, integer[][] new
function M.between(before, after)
  local a, b = words(before), words(after)
  if #a > MOST_WORDS or #b > MOST_WORDS or #a == 0 or #b == 0 then
    return {}, {}
  end
  -- The library compares lines: one word a line.
  local function lines(list)
    return table.concat(list, '\0'):gsub('\n', '\r'):gsub('%z', '\n') .. '\n'
  end
  local diff = vim.text and vim.text.diff or vim.diff
  local old, new, gone = {}, {}, 0
  for _, hunk in ipairs(diff(lines(a), lines(b), { result_type = 'indices' })) do
    local first_a, count_a, first_b, count_b = unpack(hunk)
    gone = gone + letters(a, first_a, first_a + count_a - 1)
    if count_a > 0 then
      table.insert(old, bytes(a, first_a, count_a))
    end
    if count_b > 0 then
      table.insert(new, bytes(b, first_b, count_b))
    end
  end
  local all = letters(a, 1, #a)
  local shorter = math.min(all, letters(b, 1, #b))
  if shorter == 0 or (all - gone) / shorter < ALIKE then
    return {}, {}
  end
  return old, new
end

return M
