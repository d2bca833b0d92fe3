"""What keys look like: the rules of detect-secrets for services, and the forms that those do not know."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_FORMS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|lf-)?[A-Za-z0-9_-]{16,}   # OpenAI, Anthropic, OpenRouter, DeepSeek
    | AIza[A-Za-z0-9_-]{30,} | AQ\.[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_.-]{20,} | GOCSPX-[A-Za-z0-9_-]{20,}   # Google
    | gsk_[A-Za-z0-9]{20,} | xai-[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{20,} | r8_[A-Za-z0-9]{20,}
    | pplx-[A-Za-z0-9]{20,} | fw_[A-Za-z0-9]{16,} | tgp_v1_[A-Za-z0-9_-]{20,} | csk-[A-Za-z0-9]{20,}
    | nvapi-[A-Za-z0-9_-]{20,} | esecret_[A-Za-z0-9]{16,} | dapi[a-f0-9]{32}(?:-\d)? | pa-[A-Za-z0-9_-]{30,}
    | tvly-[A-Za-z0-9_-]{20,} | lsv2_[a-z]{2}_[A-Za-z0-9_]{20,} | sk_[a-f0-9]{40,}
    | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16} | ABSK[A-Za-z0-9+/=]{30,}     # AWS
    | [A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26} | [A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}     # Azure
    | hv[sbr]\.[A-Za-z0-9_-]{20,} | [A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}     # Vault, Terraform
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
    | xox[abeprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{20,} | [spr]k_(?:live|test)_[A-Za-z0-9]{16,} | whsec_[A-Za-z0-9+/=]{20,}
    | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{30,} | dckr_pat_[A-Za-z0-9_-]{20,} | do[opr]_v1_[a-f0-9]{40,}
    | shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32} | lin_api_[A-Za-z0-9]{20,} | ntn_[A-Za-z0-9]{20,} | glsa_[A-Za-z0-9_]{20,}
    | sntry[su]_[A-Za-z0-9_+/=]{30,} | PMAK-[A-Za-z0-9-]{30,} | NRAK-[A-Z0-9]{20,} | ATATT3[A-Za-z0-9_=-]{50,}
    | pat[A-Za-z0-9]{14}\.[a-f0-9]{64} | xkeysib-[a-f0-9-]{40,} | sbp_[a-f0-9]{40} | AGE-SECRET-KEY-1[A-Z0-9]{50,}
    )
    | https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/\d{5,25}/[A-Za-z0-9_-]{20,}
    """,
    re.VERBOSE,
)
_RULES = (
    "azure_storage_key.AzureStorageKeyDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "mailchimp.MailchimpDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
"""The rules of detect-secrets that ask for a form and take linear time. Its others go by names, which redaction.py does
too (AWS's secret keys among them), or take time in the square of a line's length."""


@functools.cache
def known() -> tuple[re.Pattern[str], ...]:
    """Every form. Loads detect-secrets, which takes a moment: a server does so with its first run, in a thread."""
    from importlib import import_module

    forms = [_FORMS]
    for rule in _RULES:
        module, _, detector = rule.partition(".")
        denylist: Iterable[re.Pattern[str]] = getattr(
            import_module(f"detect_secrets.plugins.{module}"), detector
        ).denylist
        forms += denylist
    return tuple(forms)
