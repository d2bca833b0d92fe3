-- `:Ralph dismissed`: the findings that were put away for good; the one that is chosen may be shown again.

local client = require('ralphd.client')
local messages = require('ralphd.messages')

local M = {}

function M.open()
  client.execute('dismissals', nil, function(answer)
    if #answer.dismissals == 0 then
      messages.say('Ralph: no finding was dismissed here')
      return
    end
    local opts = {
      prompt = 'Ralph, dismissed findings. Show again from the next run on:',
      format_item = function(finding)
        return finding.text
      end,
    }
    vim.ui.select(answer.dismissals, opts, function(finding)
      if finding then
        client.execute('undismiss', { fingerprint = finding.fingerprint }, function()
          messages.say('Ralph: the next run may show it again')
        end)
      end
    end)
  end)
end

return M
