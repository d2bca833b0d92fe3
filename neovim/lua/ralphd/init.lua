-- What other configuration may call: `require('ralphd').status()`. The rest is `:Ralph` (commands.lua).

local M = {}

--- For a statusline: what a run is at, else which change of how many is at the cursor, else ''. Asks no server.
---@return string
function M.status()
  local running = require('ralphd.progress').status()
  if running ~= '' then
    return 'Ralph: ' .. running
  end
  local review = require('ralphd.review')
  local hunk = review.at_cursor()
  if hunk then
    return ('Ralph %d/%d'):format(hunk.number, #hunk.review.hunks)
  end
  local count = 0
  for _, group in ipairs(review.groups()) do
    count = count + #group
  end
  return count > 0 and ('Ralph: %d to review'):format(count) or ''
end

return M
