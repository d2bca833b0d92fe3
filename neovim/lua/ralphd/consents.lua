-- `:Ralph trust`: what the person agreed to or refused for good, and what the project asks for; each can be changed.

local client = require('ralphd.client')
local messages = require('ralphd.messages')

local M = {}

local CHOICES = {
  { title = 'Always allow it', decision = 'always' },
  { title = 'Never allow it', decision = 'never' },
  { title = 'Forget it: ask again', decision = 'revoke' },
}

local function decide(consent)
  local possible = vim.tbl_filter(function(choice)
    return choice.decision ~= consent.state and not (choice.decision == 'revoke' and consent.state == 'asked')
  end, CHOICES)
  local opts = {
    prompt = consent.text,
    format_item = function(choice)
      return choice.title
    end,
  }
  vim.ui.select(possible, opts, function(choice)
    if choice then
      client.execute('trust', { digest = consent.digest, decision = choice.decision }, function()
        messages.say('Ralph: ' .. ({ always = 'allowed', never = 'never', revoke = 'forgotten' })[choice.decision])
      end)
    end
  end)
end

function M.open()
  client.execute('consents', { uri = vim.uri_from_bufnr(0) }, function(answer)
    if #answer.consents == 0 then
      messages.say('Ralph: nothing was agreed to or refused, and this project asks for nothing')
      return
    end
    local opts = {
      prompt = 'Ralph, consents:',
      format_item = function(consent)
        return ('%-6s  %s'):format(consent.state, consent.text)
      end,
    }
    vim.ui.select(answer.consents, opts, function(consent)
      if consent then
        decide(consent)
      end
    end)
  end)
end

return M
