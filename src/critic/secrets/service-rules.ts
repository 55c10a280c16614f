// The keys of single services: how each of them looks, or what it is assigned to when its look says nothing.
// Which services, and how long their keys are, follows the kinds that gitleaks knows (config/gitleaks.toml).

import { assigned, marked, type SecretRule } from "./rule.ts";

const UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
const hex = (length: number) => `[a-f0-9]{${length}}`;
const alnum = (length: number | string) => `[a-z0-9]{${length}}`;
const wide = (length: number | string) => `[a-z0-9=_-]{${length}}`;

/** Kind, what the name of the setting has (its first word is looked for before), the value, its least entropy. */
type Named = readonly [id: string, name: string, value: string, entropy?: number];

const NAMED: readonly Named[] = [
  ["adafruit-api-key", "adafruit", "[a-z0-9_-]{32}"],
  ["adobe-client-id", "adobe", hex(32)],
  ["airtable-api-key", "airtable", alnum(17)],
  ["algolia-api-key", "algolia", alnum(32)],
  ["alibaba-secret-key", "alibaba", alnum(30)],
  ["asana-client-id", "asana", "\\d{16}", 2],
  ["asana-client-secret", "asana", alnum(32)],
  ["atlassian-api-token", "atlassian|confluence|jira", `${alnum(20)}${hex(4)}`],
  ["beamer-api-token", "beamer", `b_${wide(44)}`],
  ["bitbucket-client-id", "bitbucket", alnum(32)],
  ["bitbucket-client-secret", "bitbucket", wide(64)],
  ["bittrex-secret-key", "bittrex[\\w.-]{0,20}secret", alnum(32)],
  ["bittrex-access-key", "bittrex", alnum(32)],
  ["cisco-meraki-api-key", "meraki", hex(40)],
  ["cloudflare-global-api-key", "cloudflare", hex(37)],
  ["cloudflare-api-key", "cloudflare", "[a-z0-9_-]{40}"],
  ["codecov-access-token", "codecov", alnum(32)],
  ["cohere-api-token", "cohere|co_api_key", alnum(40), 3.5],
  ["coinbase-access-token", "coinbase", "[a-z0-9_-]{64}"],
  ["confluent-access-token", "confluent", alnum(16)],
  ["confluent-secret-key", "confluent", alnum(64)],
  ["contentful-delivery-api-token", "contentful", wide(43)],
  ["datadog-access-token", "datadog", alnum(40)],
  ["discord-api-token", "discord", hex(64)],
  // Servers, channels and people have numbers of the same length, which are no secret.
  ["discord-client-id", "discord[_.-]?(?:client|app|bot|api|token|key|secret)", "\\d{18}", 2],
  ["discord-client-secret", "discord", wide(32)],
  ["droneci-access-token", "droneci", alnum(32)],
  ["dropbox-short-lived-api-token", "dropbox", `sl\\.${wide(135)}`],
  ["dropbox-long-lived-api-token", "dropbox", `${alnum(11)}A{10}${wide(43)}`],
  ["dropbox-api-token", "dropbox", alnum(15)],
  ["etsy-access-token", "etsy", alnum(24)],
  ["facebook-secret", "facebook", hex(32)],
  ["fastly-api-token", "fastly", wide(32)],
  ["finicity-api-token", "finicity", hex(32)],
  ["finicity-client-secret", "finicity", alnum(20)],
  ["finnhub-access-token", "finnhub", alnum(20)],
  ["flickr-access-token", "flickr", alnum(32)],
  ["freshbooks-access-token", "freshbooks", alnum(64)],
  ["gitter-access-token", "gitter", "[a-z0-9_-]{40}"],
  ["gocardless-api-token", "gocardless", `live_${wide(40)}`],
  ["heroku-api-key", "heroku", UUID],
  ["hubspot-api-key", "hubspot", UUID],
  ["intercom-api-key", "intercom", wide(60)],
  ["jfrog-api-key", "jfrog|artifactory|bintray|xray", alnum(73)],
  ["jfrog-identity-token", "jfrog|artifactory|bintray|xray", alnum(64)],
  ["kraken-access-token", "kraken", "[a-z0-9/=_+-]{80,90}"],
  ["kucoin-access-token", "kucoin", hex(24)],
  ["kucoin-secret-key", "kucoin", UUID],
  ["launchdarkly-access-token", "launchdarkly", wide(40)],
  ["linear-client-secret", "linear[_.-]?(?:client|app|oauth|api|token|key|secret)", hex(32)],
  ["linkedin-client-id", "linkedin|linked_in|linked-in", alnum(14)],
  ["linkedin-client-secret", "linkedin|linked_in|linked-in", alnum(16)],
  ["lob-pub-api-key", "(?<![a-z])lob", `(?:live|test)_pub_${hex(31)}`],
  ["lob-api-key", "(?<![a-z])lob", `(?:live|test)_${hex(35)}`],
  ["looker-client-id", "looker", alnum(20)],
  ["looker-client-secret", "looker", alnum(24)],
  ["mailgun-pub-key", "mailgun", `pubkey-${hex(32)}`],
  ["mailgun-signing-key", "mailgun", "[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}"],
  ["mattermost-access-token", "mattermost", alnum(26)],
  ["messagebird-api-token", "messagebird|message_bird|message-bird", alnum(25)],
  ["messagebird-client-id", "messagebird|message_bird|message-bird", UUID],
  ["netlify-access-token", "netlify", wide("40,46")],
  ["new-relic-user-api-id", "newrelic|new_relic|new-relic", alnum(64)],
  ["nytimes-access-token", "nytimes|newyorktimes|new_york_times|new-york-times", wide(32)],
  ["okta-access-token", "okta", "00[\\w=-]{40}", 3.5],
  ["plaid-api-token", "plaid", `access-(?:sandbox|development|production)-${UUID}`],
  ["plaid-client-id", "plaid", alnum(24)],
  ["plaid-secret-key", "plaid", alnum(30)],
  ["privateai-api-token", "privateai|private_ai|private-ai", alnum(32)],
  ["rapidapi-access-token", "rapidapi", "[a-z0-9_-]{50}"],
  ["sendbird-access-id", "sendbird", UUID],
  ["sendbird-access-token", "sendbird", hex(40)],
  ["sentry-access-token", "sentry", hex(64)],
  [
    "sidekiq-secret",
    "bundle_enterprise__contribsys__com|bundle_gems__contribsys__com",
    `${hex(8)}:${hex(8)}`,
    2.4,
  ],
  ["snyk-api-token", "snyk[_.-]?(?:(?:api|oauth)[_.-]?)?(?:key|token)", UUID],
  ["sonar-api-token", "sonar[_.-]?(?:login|token)", `(?:sq[upa]_)?${wide(40)}`],
  ["squarespace-access-token", "squarespace", UUID],
  ["sumologic-access-id", "sumo(?:logic)?", "su[a-z0-9]{12}"],
  ["sumologic-access-token", "sumo(?:logic)?", alnum(64)],
  ["telegram-bot-api-token", "telegr", "\\d{5,16}:A[a-z0-9_-]{34}"],
  ["travisci-access-token", "travis", alnum(22)],
  ["twitch-api-token", "twitch", alnum(30)],
  ["twitter-bearer-token", "twitter", "A{22}[a-z0-9%]{80,100}"],
  ["twitter-access-token", "twitter", "\\d{15,25}-[a-z0-9]{20,40}"],
  ["twitter-access-secret", "twitter", alnum(45)],
  ["twitter-api-secret", "twitter", alnum(50)],
  ["twitter-api-key", "twitter", alnum(25)],
  ["yandex-access-token", "yandex", "t1\\.[a-z0-9_-]{1,200}={0,2}\\.[a-z0-9_-]{86}={0,2}"],
  ["yandex-api-key", "yandex", "AQVN[a-z0-9_-]{35,38}"],
  ["yandex-aws-access-token", "yandex", "YC[a-z0-9_-]{38}"],
  ["zendesk-secret-key", "zendesk", alnum(40)],
];

/** The words that a text with such a name must have. */
const firstWords = (name: string): string[] =>
  name
    .replace("(?<![a-z])", "")
    .split(/\|(?![^(]*\))/)
    .map((choice) => /^[a-z_-]+?(?=[^a-z_-]|$)/.exec(choice)?.[0] ?? "")
    .filter((word) => word.length > 0);

const MARKED: readonly SecretRule[] = [
  marked("1password-secret-key", "A3-", "[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}", 3.5),
  marked("adobe-client-secret", "p8e-", "[A-Za-z0-9]{32}"),
  marked("alibaba-access-key-id", "LTAI", "[A-Za-z0-9]{20}"),
  marked("artifactory-api-key", "AKCp", "[A-Za-z0-9]{69}", 4),
  marked("artifactory-reference-token", "cmVmd", "[A-Za-z0-9]{59}", 4),
  marked(
    "authress-service-client-access-key",
    "(?:sc|ext|scauth|authress)_",
    "[A-Za-z0-9]{5,30}\\.[A-Za-z0-9]{4,6}\\.acc[_-][A-Za-z0-9-]{10,32}\\.[A-Za-z0-9+/_=-]{30,120}",
  ),
  marked("aws-amazon-bedrock-api-key-long-lived", "ABSK", "[A-Za-z0-9+/]{109,269}={0,2}", 3.5),
  marked("aws-amazon-bedrock-api-key-short-lived", "bedrock-api-key-", "[A-Za-z0-9+/]{24,4000}={0,2}"),
  marked("azure-ad-client-secret", "[A-Za-z0-9_~.]{3}\\dQ~", "[A-Za-z0-9_~.-]{31,34}", 3, ["q~"]),
  marked("clickhouse-cloud-api-secret-key", "4b1d", "[A-Za-z0-9]{38}"),
  marked("clojars-api-token", "(?:CLOJARS|clojars)_", "[A-Za-z0-9]{60}"),
  marked("defined-networking-api-token", "dnkey-", "[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
  marked("duffel-api-token", "duffel_(?:test|live)_", "[A-Za-z0-9_=-]{43}"),
  marked("easypost-api-token", "EZAK", "[A-Za-z0-9]{54}"),
  marked("easypost-test-api-token", "EZTK", "[A-Za-z0-9]{54}"),
  marked("facebook-access-token", "\\d{15,16}[|%]", "[A-Za-z0-9_-]{27,40}", 3, ["facebook"]),
  marked("facebook-page-access-token", "EAA[MC]", "[A-Za-z0-9]{100,500}", 3.5, ["eaam", "eaac"]),
  marked("flutterwave-secret-key", "FLWSECK_TEST-", "[A-Ha-h0-9]{32}-X"),
  marked("flutterwave-encryption-key", "FLWSECK_TEST-", "[A-Ha-h0-9]{12}"),
  marked("flutterwave-public-key", "FLWPUBK_TEST-", "[A-Ha-h0-9]{32}-X"),
  marked("frameio-api-token", "fio-u-", "[A-Za-z0-9_=-]{64}"),
  marked("gitlab-rrt", "GR1348941", "[A-Za-z0-9_-]{20}"),
  marked("gitlab-session-cookie", "_gitlab_session=", "[a-z0-9]{32}"),
  marked("grafana-api-key", "eyJrIjoi", "[A-Za-z0-9]{70,400}={0,3}"),
  marked("harness-api-key", "(?:pat|sat)\\.", "[A-Za-z0-9_-]{22}\\.[A-Za-z0-9]{24}\\.[A-Za-z0-9]{20}", 3.5),
  marked("heroku-api-key-v2", "HRKU-AA", "[A-Za-z0-9_-]{58}", 3.5),
  marked("infracost-api-token", "ico-", "[A-Za-z0-9]{32}"),
  marked("intra42-client-secret", "s-s4t2(?:ud|af)-", "[A-Fa-f0-9]{64}"),
  marked("jwt-base64", "ZXlK", "[A-Za-z0-9+/_-]{60,4000}={0,2}", 3.5),
  marked("mapbox-api-token", "pk\\.", "[A-Za-z0-9]{60}\\.[A-Za-z0-9]{22}"),
  marked("maxmind-license-key", "[A-Za-z0-9]{6}_", "[A-Za-z0-9]{29}_mmk", 3.5, ["_mmk"]),
  marked("octopus-deploy-api-key", "API-", "[A-Z0-9]{26}"),
  marked("openshift-user-token", "sha256~", "[A-Za-z0-9_-]{43}", 3.5),
  marked("prefect-api-token", "pnu_", "[A-Za-z0-9]{36}"),
  marked("readme-api-token", "rdme_", "[a-z0-9]{70}"),
  marked("scalingo-api-token", "tk-us-", "[A-Za-z0-9_-]{48}"),
  marked("settlemint-application-access-token", "sm_aat_", "[A-Za-z0-9]{16}"),
  marked("settlemint-personal-access-token", "sm_pat_", "[A-Za-z0-9]{16}"),
  marked("settlemint-service-access-token", "sm_sat_", "[A-Za-z0-9]{16}"),
  marked("shippo-api-token", "shippo_(?:live|test)_", "[A-Fa-f0-9]{40}"),
  marked("typeform-api-token", "tfp_", "[A-Za-z0-9_.=-]{59}"),
  // Before version 1.10; `s.` also begins many an expression, so letters of both cases and a digit are asked for.
  marked(
    "vault-service-token",
    "s\\.(?=[A-Za-z]*\\d)(?=[A-Z\\d]*[a-z])(?=[a-z\\d]*[A-Z])",
    "[A-Za-z0-9]{24}",
    3.5,
  ),
];

/** What is neither: an address, a header, a line of a file of its own kind. */
const SHAPED: readonly SecretRule[] = [
  {
    id: "curl-auth-header",
    pattern:
      /\bcurl\b(?:\\\r?\n|[^\n]){0,500}?\s(?:-H|--header)[ =]{0,5}["'](?:authorization:\s{0,5}(?:(?:basic|bearer|(?:api-)?token)\s)?|(?:x-(?:[a-z]{1,20}-)?|private-)?(?:api-?)?(?:key|token):\s{0,5})([\w=~@.+/-]{8,500})["']/gi,
    keywords: ["curl"],
    entropy: 2.8,
  },
  {
    id: "freemius-secret-key",
    pattern: /["']secret_key["']\s{0,5}=>\s{0,5}["'](sk_[^\s"']{29})["']/gi,
    keywords: ["secret_key"],
    entropy: 3,
  },
  {
    id: "kubernetes-secret-yaml",
    pattern:
      /\bkind:[ \t]{0,5}["']?Secret\b[\s\S]{0,300}?\bdata:[\s\S]{0,200}?\s[\w.-]{1,60}:[ \t]{0,5}["']?([A-Za-z0-9+/]{20,4000}={0,2})|\bdata:[\s\S]{0,200}?\s[\w.-]{1,60}:[ \t]{0,5}["']?([A-Za-z0-9+/]{20,4000}={0,2})["']?\s(?:[\s\S]{0,200}?\s)?kind:[ \t]{0,5}["']?Secret\b/g,
    keywords: ["kind: secret", 'kind: "secret', "kind:secret"],
    entropy: 3.2,
  },
  {
    id: "microsoft-teams-webhook",
    pattern:
      /https:\/\/[a-z0-9]{1,60}\.webhook\.office\.com\/webhookb2\/([a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12}@[a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12}\/IncomingWebhook\/[a-z0-9]{32}\/[a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12})/g,
    keywords: ["webhook.office.com"],
    entropy: 3.5,
  },
  {
    id: "nuget-config-password",
    pattern: /<add key="(?:ClearText)?Password"\s{0,20}value="([^"\n]{8,300})"\s{0,20}\/>/gi,
    keywords: ["<add key="],
    entropy: 2.5,
  },
  {
    id: "sidekiq-sensitive-url",
    pattern: /\bhttps?:\/\/([a-f0-9]{8}:[a-f0-9]{8})@(?:gems|enterprise)\.contribsys\.com\b/gi,
    keywords: ["contribsys.com"],
    entropy: 2.4,
  },
  {
    id: "sourcegraph-access-token",
    pattern:
      /(?<![\w-])(sgp_(?:(?:[a-f0-9]{16}|local)_)?[a-f0-9]{40})(?![\w-])|sourcegraph[\w .\t-]{0,20}["'`\s]{0,3}(?:=>|:?=|[:>,])[\s"'`=]{0,5}([a-f0-9]{40})(?![\w-])/gi,
    keywords: ["sgp_", "sourcegraph"],
    entropy: 3,
  },
];

/** The rules for single services; what is shaped comes first, for it says most. */
export const SERVICE_RULES: readonly SecretRule[] = [
  ...SHAPED,
  ...MARKED,
  ...NAMED.map(
    ([id, name, value, entropy]): SecretRule => ({
      ...assigned(id, firstWords(name), name, value, entropy),
      named: true,
    }),
  ),
];
