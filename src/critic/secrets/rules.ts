// What keys look like, one rule a kind, in the manner of gitleaks: words that must be near, a pattern, and how random it has to be.

/** A kind of secret. */
export interface SecretRule {
  readonly id: string;
  /** Group 1 is the secret, or else the whole match. */
  readonly pattern: RegExp;
  /** Lower case; one of them must be in the text before the pattern is tried. None: always. */
  readonly keywords: readonly string[];
  /** Least Shannon entropy of the secret, bits a character. */
  readonly entropy?: number;
}

/** A token that begins with a mark of its own; nothing of a word may touch it. */
const marked = (id: string, mark: string, body: string, entropy = 3, flags = "g"): SecretRule => ({
  id,
  pattern: new RegExp(`(?<![A-Za-z0-9_-])(${mark}${body})(?![A-Za-z0-9_-])`, flags),
  keywords: [],
  entropy,
});

/** `name_of_service... = "value"`, where the value alone says nothing. */
const assigned = (
  id: string,
  keywords: readonly string[],
  name: string,
  value: string,
  entropy = 3,
): SecretRule => ({
  id,
  pattern: new RegExp(
    `\\b[\\w.-]{0,50}?(?:${name})(?:[\\w .\\t-]{0,20})["'\`\\s]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\s"'\`=]{0,5}(${value})(?=["'\`\\s;,)\\]}]|$)`,
    "gi",
  ),
  keywords,
  entropy,
});

/** All rules. The patterns follow what each service documents of its keys. */
export const SECRET_RULES: readonly SecretRule[] = [
  {
    id: "private-key",
    pattern:
      /-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----(?:\\n|\\r|[\s\S]){16,}?(?:-----END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----|$)/g,
    keywords: ["private key"],
    entropy: 3,
  },
  marked("age-secret-key", "AGE-SECRET-KEY-1", "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
  marked("aws-access-key-id", "(?:AKIA|ASIA|ABIA|ACCA)", "[A-Z2-7]{16}"),
  assigned(
    "aws-secret-access-key",
    ["secret"],
    "aws_?secret_?(?:access_?)?key|secret_?access_?key",
    "[A-Za-z0-9/+=]{40}",
    3.5,
  ),
  marked("github-token", "gh[pousr]_", "[A-Za-z0-9]{36,255}"),
  marked("github-fine-grained-token", "github_pat_", "[A-Za-z0-9_]{60,255}"),
  marked("gitlab-token", "gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-", "[A-Za-z0-9_-]{20,64}"),
  marked("slack-token", "xox[abeoprs]-", "[A-Za-z0-9-]{10,250}"),
  marked("slack-app-token", "xapp-", "\\d-[A-Z0-9]+-\\d+-[a-z0-9]+", 2),
  {
    id: "slack-webhook",
    pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/]{40,60}/g,
    keywords: ["hooks.slack.com"],
    entropy: 3,
  },
  {
    id: "discord-webhook",
    pattern:
      /https:\/\/(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[A-Za-z0-9_-]{60,72}/g,
    keywords: ["discord"],
    entropy: 3,
  },
  {
    id: "discord-bot-token",
    pattern: /(?<![\w-])([MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,40})(?![\w-])/g,
    keywords: [],
    entropy: 3.5,
  },
  {
    id: "telegram-bot-token",
    pattern: /(?<![\w-])(\d{8,10}:AA[A-Za-z0-9_-]{33})(?![\w-])/g,
    keywords: [":aa"],
    entropy: 3,
  },
  marked("anthropic-key", "sk-ant-(?:api|admin)\\d\\d-", "[A-Za-z0-9_-]{80,110}"),
  marked("openai-key", "sk-(?:proj-|svcacct-|admin-)?", "[A-Za-z0-9_-]{20,180}", 3.5),
  marked("huggingface-token", "hf_", "[A-Za-z]{34}"),
  marked("huggingface-org-token", "api_org_", "[A-Za-z]{34}"),
  marked("replicate-token", "r8_", "[A-Za-z0-9]{37}"),
  marked("groq-key", "gsk_", "[A-Za-z0-9]{52}"),
  marked("perplexity-key", "pplx-", "[A-Za-z0-9]{48}"),
  marked("google-api-key", "AIza", "[A-Za-z0-9_-]{35}"),
  marked("google-oauth-secret", "GOCSPX-", "[A-Za-z0-9_-]{28}"),
  marked("google-oauth-token", "ya29\\.", "[A-Za-z0-9_-]{30,300}"),
  marked("stripe-key", "(?:sk|rk)_(?:live|test|prod)_", "[A-Za-z0-9]{16,120}"),
  marked("stripe-webhook-secret", "whsec_", "[A-Za-z0-9+/=]{32,64}"),
  marked("square-token", "(?:EAAA|sq0(?:atp|csp)-)", "[A-Za-z0-9_-]{22,60}"),
  marked("shopify-token", "shp(?:at|ca|pa|ss)_", "[A-Fa-f0-9]{32}"),
  marked("sendgrid-key", "SG\\.", "[A-Za-z0-9_-]{20,24}\\.[A-Za-z0-9_-]{39,50}"),
  marked("mailgun-key", "key-", "[a-f0-9]{32}"),
  marked("mailchimp-key", "", "[a-f0-9]{32}-us\\d{1,2}"),
  marked("brevo-key", "xkeysib-", "[a-f0-9]{64}-[A-Za-z0-9]{16}"),
  marked("twilio-key", "SK", "[a-f0-9]{32}"),
  marked("npm-token", "npm_", "[A-Za-z0-9]{36}"),
  marked("pypi-token", "pypi-AgEI", "[A-Za-z0-9_-]{50,1000}"),
  marked("rubygems-token", "rubygems_", "[a-f0-9]{48}"),
  marked("docker-token", "dckr_(?:pat|oat)_", "[A-Za-z0-9_-]{27,32}"),
  marked("digitalocean-token", "do[opr]_v1_", "[a-f0-9]{64}"),
  marked("databricks-token", "dapi", "[a-f0-9]{32}(?:-\\d)?"),
  marked("doppler-token", "dp\\.(?:pt|st|ct|sa|scim|audit)\\.", "[A-Za-z0-9._-]{40,60}"),
  marked("dynatrace-token", "dt0c01\\.", "[A-Z0-9]{24}\\.[A-Z0-9]{64}"),
  marked("grafana-token", "gl(?:c|sa)_", "[A-Za-z0-9+/=_]{32,400}"),
  marked("hashicorp-vault-token", "hv[sb]\\.", "[A-Za-z0-9_-]{24,300}"),
  marked("terraform-token", "[A-Za-z0-9]{14}\\.atlasv1\\.", "[A-Za-z0-9_=-]{60,70}"),
  marked("linear-key", "lin_(?:api|oauth)_", "[A-Za-z0-9]{32,64}"),
  marked("notion-token", "(?:ntn_|secret_)", "[A-Za-z0-9]{43,50}"),
  marked("new-relic-key", "NR(?:AK|II|JS)-", "[A-Za-z0-9_-]{19,40}"),
  marked("planetscale-token", "pscale_(?:tkn|pw|oauth)_", "[A-Za-z0-9=._-]{32,64}"),
  marked("postman-key", "PMAK-", "[a-f0-9]{24}-[a-f0-9]{34}"),
  marked("pulumi-token", "pul-", "[a-f0-9]{40}"),
  marked("sentry-token", "sntry[su]_", "[A-Za-z0-9+/=_-]{40,400}"),
  marked("tailscale-key", "tskey-(?:api|auth|client|scim|webhook)-", "[A-Za-z0-9]+-[A-Za-z0-9]{20,}"),
  marked("atlassian-token", "ATATT3", "[A-Za-z0-9_=-]{100,250}"),
  marked("figma-token", "figd_", "[A-Za-z0-9_-]{40}"),
  marked("airtable-token", "pat[A-Za-z0-9]{14}\\.", "[a-f0-9]{64}"),
  marked("supabase-key", "sb(?:p|_secret)_", "[A-Za-z0-9_]{30,60}"),
  marked("fly-token", "(?:fo1_|fm[12][ar]?_)", "[A-Za-z0-9+/=_,-]{40,500}"),
  marked("cloudflare-origin-ca-key", "v1\\.0-", "[a-f0-9]{24}-[a-f0-9]{146}"),
  marked("1password-token", "ops_eyJ", "[A-Za-z0-9+/]{100,}={0,3}"),
  marked("jwt", "ey[A-Za-z0-9]{15,}\\.ey[A-Za-z0-9/\\\\_-]{15,}\\.", "[A-Za-z0-9/\\\\_-]{10,}={0,2}"),
  {
    id: "azure-storage-key",
    pattern: /AccountKey=([A-Za-z0-9+/]{86}==)/g,
    keywords: ["accountkey"],
    entropy: 4,
  },
  {
    id: "password-in-url",
    pattern:
      /\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis|rediss|amqps?|mssql|ftp|https?|ssh|smtp)(?:\+\w+)?:\/\/[^\s:/@"'`<>]{1,64}:([^\s/@"'`<>]{6,100})@[\w.-]+/g,
    keywords: ["://"],
    entropy: 2.5,
  },
  {
    id: "authorization-header",
    pattern: /\bauthorization["'`]?\s*[:=,]\s*["'`]?(?:bearer|token|basic)\s+([A-Za-z0-9+/=._~-]{20,})/gi,
    keywords: ["authorization"],
    entropy: 3.5,
  },
  {
    id: "curl-user",
    pattern: /\bcurl\b[^\n]*?\s(?:-u|--user)[\s=]+["']?[^\s:"']{1,64}:([^\s"']{6,})/g,
    keywords: ["curl"],
    entropy: 2.8,
  },
  assigned(
    "generic-api-key",
    ["key", "token", "secret", "credential"],
    "api[_ -]?key|apikey|access[_-]?token|auth[_-]?token|client[_-]?secret|secret[_-]?key|signing[_-]?key|encryption[_-]?key|private[_-]?token|credentials?",
    "[A-Za-z0-9+/=_.~-]{16,150}",
    3.5,
  ),
  assigned(
    "generic-password",
    ["pass", "pwd"],
    "password|passwd|passphrase|\\bpwd",
    "[^\\s\"'`;,(){}<>$\\[\\]]{8,100}",
    3,
  ),
];
