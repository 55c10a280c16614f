// Every kind of secret that gitleaks' configuration names, as a fake made here from what is known of its format.

import { describe, expect, test } from "bun:test";
import { Rng } from "../../src/base/rng.ts";
import { findSecrets } from "../../src/critic/secrets/find.ts";

const lower = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const ALPHABETS: Readonly<Record<string, string>> = {
  hex: `${digits}abcdef`,
  low: lower + digits,
  any: lower + lower.toUpperCase() + digits,
  url: `${lower}${lower.toUpperCase()}${digits}_-`,
  b64: `${lower}${lower.toUpperCase()}${digits}+/`,
  up: lower.toUpperCase() + digits,
  abc: lower + lower.toUpperCase(),
  b32: `${lower.toUpperCase()}234567`,
  num: digits,
  bech: "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
};

/** How a setting is written; `NAME` and `VALUE` are filled in. */
const SETTINGS = [
  `NAME_token = "VALUE"`,
  `NAME_TOKEN=VALUE`,
  `{"NAME_token": "VALUE"}`,
  `NAME_token: 'VALUE'`,
  `var NAMEToken = "VALUE";`,
  `  "NAMEToken" => "VALUE"`,
  `setProperty("NAME_TOKEN", "VALUE")`,
  `<NAMEToken>\n    VALUE\n</NAMEToken>`,
];

const UUID = "{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}";

/** Kinds whose value is told by its setting: kind, name of the setting, value. */
const NAMED = `
adafruit-api-key adafruit {url:32}
adobe-client-id adobe {hex:32}
airtable-api-key airtable {low:17}
algolia-api-key algolia {low:32}
alibaba-secret-key alibaba {low:30}
asana-client-id asana {num:16}
asana-client-secret asana {low:32}
atlassian-api-token jira {low:20}{hex:4}
beamer-api-token beamer b_{low:44}
bitbucket-client-id bitbucket {low:32}
bitbucket-client-secret bitbucket {url:64}
bittrex-access-key bittrex {low:32}
bittrex-secret-key bittrex_secret {low:32}
cisco-meraki-api-key meraki {hex:40}
cloudflare-api-key cloudflare {url:40}
cloudflare-global-api-key cloudflare {hex:37}
codecov-access-token codecov {low:32}
cohere-api-token cohere {any:40}
coinbase-access-token coinbase {url:64}
confluent-access-token confluent {low:16}
confluent-secret-key confluent {low:64}
contentful-delivery-api-token contentful {url:43}
datadog-access-token datadog {low:40}
discord-api-token discord {hex:64}
discord-client-id discord {num:18}
discord-client-secret discord {url:32}
droneci-access-token droneci {low:32}
dropbox-api-token dropbox {low:15}
dropbox-long-lived-api-token dropbox {low:11}AAAAAAAAAA{url:43}
dropbox-short-lived-api-token dropbox sl.{url:135}
etsy-access-token etsy {low:24}
facebook-secret facebook {hex:32}
fastly-api-token fastly {url:32}
finicity-api-token finicity {hex:32}
finicity-client-secret finicity {low:20}
finnhub-access-token finnhub {low:20}
flickr-access-token flickr {low:32}
freshbooks-access-token freshbooks {low:64}
gitter-access-token gitter {url:40}
gocardless-api-token gocardless live_{url:40}
heroku-api-key heroku ${UUID}
hubspot-api-key hubspot ${UUID}
intercom-api-key intercom {url:60}
jfrog-api-key artifactory {low:73}
jfrog-identity-token jfrog {low:64}
kraken-access-token kraken {b64:85}
kucoin-access-token kucoin {hex:24}
kucoin-secret-key kucoin ${UUID}
launchdarkly-access-token launchdarkly {url:40}
linear-client-secret linear {hex:32}
linkedin-client-id linkedin {low:14}
linkedin-client-secret linked-in {low:16}
lob-api-key lob live_{hex:35}
lob-pub-api-key lob test_pub_{hex:31}
looker-client-id looker {low:20}
looker-client-secret looker {low:24}
mailgun-pub-key mailgun pubkey-{hex:32}
mailgun-signing-key mailgun {hex:32}-{hex:8}-{hex:8}
mattermost-access-token mattermost {low:26}
messagebird-api-token message_bird {low:25}
messagebird-client-id messagebird ${UUID}
netlify-access-token netlify {url:43}
new-relic-user-api-id new_relic {low:64}
nytimes-access-token nytimes {url:32}
okta-access-token okta 00{url:40}
plaid-api-token plaid access-production-${UUID}
plaid-client-id plaid {low:24}
plaid-secret-key plaid {low:30}
privateai-api-token private_ai {low:32}
rapidapi-access-token rapidapi {url:50}
sendbird-access-id sendbird ${UUID}
sendbird-access-token sendbird {hex:40}
sentry-access-token sentry {hex:64}
sidekiq-secret BUNDLE_ENTERPRISE__CONTRIBSYS__COM {hex:8}:{hex:8}
snyk-api-token snyk ${UUID}
sonar-api-token sonar squ_{low:40}
squarespace-access-token squarespace ${UUID}
sumologic-access-id sumo su{any:12}
sumologic-access-token sumo {low:64}
telegram-bot-api-token telegram {num:9}:A{url:34}
travisci-access-token travis {low:22}
twitch-api-token twitch {low:30}
twitter-access-secret twitter {low:45}
twitter-access-token twitter {num:19}-{any:30}
twitter-api-key twitter {low:25}
twitter-api-secret twitter {low:50}
twitter-bearer-token twitter AAAAAAAAAAAAAAAAAAAAAA{any:90}
yandex-access-token yandex t1.{url:40}.{url:86}
yandex-api-key yandex AQVN{url:36}
yandex-aws-access-token yandex YC{url:38}
zendesk-secret-key zendesk {low:40}`;

/** Kinds whose value says what it is, as the line that holds it. */
const MARKED = `
1password-secret-key A3-{up:6}-{up:6}-{up:5}-{up:5}-{up:5}-{up:5}
adobe-client-secret p8e-{low:32}
alibaba-access-key-id LTAI{low:20}
artifactory-api-key AKCp{any:69}
artifactory-reference-token cmVmd{any:59}
authress-service-client-access-key ext_{low:12}.{low:4}.acc_{low:20}.{any:60}
aws-amazon-bedrock-api-key-long-lived ABSK{b64:130}
aws-amazon-bedrock-api-key-short-lived bedrock-api-key-{any:120}
azure-ad-client-secret {any:3}8Q~{any:32}
clickhouse-cloud-api-secret-key 4b1d{any:38}
clojars-api-token CLOJARS_{low:60}
curl-auth-header curl https://ci.local/api -H "X-Api-Key: {any:12}"
defined-networking-api-token dnkey-{low:26}-{low:52}
duffel-api-token duffel_live_{url:43}
easypost-api-token EZAK{any:54}
easypost-test-api-token EZTK{any:54}
facebook-access-token https://graph.facebook.com/me?access_token= {num:15}|{any:27}
facebook-page-access-token EAAC{any:150}
flutterwave-encryption-key FLWSECK_TEST-{hex:12}
flutterwave-public-key FLWPUBK_TEST-{hex:32}-X
flutterwave-secret-key FLWSECK_TEST-{hex:32}-X
frameio-api-token fio-u-{url:64}
freemius-secret-key 'secret_key' => 'sk_{any:29}',
gitlab-rrt GR1348941{url:20}
gitlab-session-cookie Cookie: _gitlab_session={low:32}
grafana-api-key eyJrIjoi{any:90}
harness-api-key pat.{url:22}.{any:24}.{any:20}
heroku-api-key-v2 HRKU-AA{url:58}
infracost-api-token ico-{any:32}
intra42-client-secret s-s4t2ud-{hex:64}
jwt-base64 ZXlKaGJHY2lPaU{any:120}
kubernetes-secret-yaml kind: Secret\\nmetadata:\\n  name: db\\ndata:\\n  word: {any:32}
kubernetes-secret-yaml data:\\n  word: {any:32}\\nkind: Secret
mapbox-api-token pk.{any:60}.{any:22}
maxmind-license-key {any:6}_{any:29}_mmk
microsoft-teams-webhook https://corp.webhook.office.com/webhookb2/${UUID}@${UUID}/IncomingWebhook/{hex:32}/${UUID}
nuget-config-password <add key="ClearTextPassword" value="{any:14}" />
octopus-deploy-api-key API-{up:26}
openshift-user-token sha256~{url:43}
prefect-api-token pnu_{any:36}
readme-api-token rdme_{low:70}
scalingo-api-token tk-us-{url:48}
settlemint-application-access-token sm_aat_{any:16}
settlemint-personal-access-token sm_pat_{any:16}
settlemint-service-access-token sm_sat_{any:16}
shippo-api-token shippo_live_{hex:40}
sidekiq-sensitive-url https://{hex:8}:{hex:8}@gems.contribsys.com/
sourcegraph-access-token sgp_{hex:16}_{hex:40}
sourcegraph-access-token SOURCEGRAPH_TOKEN={hex:40}
typeform-api-token tfp_{url:59}
vault-service-token s.{any:24}`;

/** Kinds of gitleaks that a rule with another name finds: the rule, gitleaks' kind, the line. */
const OTHERWISE_NAMED = `
1password-token 1password-service-account-token ops_eyJ{b64:260}
age-secret-key age-secret-key AGE-SECRET-KEY-1{bech:58}
airtable-token airtable-personnal-access-token pat{any:14}.{hex:64}
anthropic-key anthropic-admin-api-key sk-ant-admin01-{url:93}AA
anthropic-key anthropic-api-key sk-ant-api03-{url:93}AA
atlassian-token atlassian-api-token ATATT3{url:186}
aws-access-key-id aws-access-token A3TX{b32:16}
cloudflare-origin-ca-key cloudflare-origin-ca-key v1.0-{hex:24}-{hex:146}
curl-user curl-auth-user curl -u bo:{any:12} https://ci.local
databricks-token databricks-api-token dapi{hex:32}
digitalocean-token digitalocean-access-token doo_v1_{hex:64}
digitalocean-token digitalocean-pat dop_v1_{hex:64}
digitalocean-token digitalocean-refresh-token dor_v1_{hex:64}
doppler-token doppler-api-token dp.pt.{low:43}
dynatrace-token dynatrace-api-token dt0c01.{up:24}.{up:64}
fly-token flyio-access-token fm2_{b64:120}
google-api-key gcp-api-key AIza{url:35}
generic-api-key generic-api-key api_key = "{any:32}"
github-token github-app-token ghu_{any:36}
github-fine-grained-token github-fine-grained-pat github_pat_{any:82}
github-token github-oauth gho_{any:36}
github-token github-pat ghp_{any:36}
github-token github-refresh-token ghr_{any:36}
gitlab-token gitlab-cicd-job-token glcbt-{any:2}_{url:20}
gitlab-token gitlab-deploy-token gldt-{url:20}
gitlab-token gitlab-feature-flag-client-token glffct-{url:20}
gitlab-token gitlab-feed-token glft-{url:20}
gitlab-token gitlab-incoming-mail-token glimt-{url:25}
gitlab-token gitlab-kubernetes-agent-token glagent-{url:50}
gitlab-token gitlab-oauth-app-secret gloas-{url:64}
gitlab-token gitlab-pat glpat-{url:20}
gitlab-token gitlab-pat-routable glpat-{url:80}.{low:9}
gitlab-token gitlab-ptt glptt-{hex:40}
gitlab-token gitlab-runner-authentication-token glrt-{url:20}
gitlab-token gitlab-runner-authentication-token-routable glrt-t1_{url:27}.{low:9}
gitlab-token gitlab-scim-token glsoat-{url:20}
grafana-token grafana-cloud-api-token glc_{b64:80}
grafana-token grafana-service-account-token glsa_{any:32}_{hex:8}
terraform-token hashicorp-tf-api-token {low:14}.atlasv1.{url:64}
generic-password hashicorp-tf-password administrator_login_password = "{any:18}7"
huggingface-token huggingface-access-token hf_{abc:34}
huggingface-org-token huggingface-organization-api-token api_org_{abc:34}
jwt jwt ey{any:34}.ey{any:60}.{url:43}
linear-key linear-api-key lin_api_{any:40}
mailchimp-key mailchimp-api-key mailchimp = "{hex:32}-us12"
mailgun-key mailgun-private-api-token mailgun = "key-{hex:32}"
new-relic-key new-relic-browser-api-token NRJS-{hex:19}
new-relic-key new-relic-insert-key NRII-{low:32}
new-relic-key new-relic-user-api-key NRAK-{up:27}
notion-token notion-api-token ntn_{num:11}{any:35}
npm-token npm-access-token npm_{any:36}
openai-key openai-api-key sk-proj-{url:74}T3BlbkFJ{url:74}
perplexity-key perplexity-api-key pplx-{any:48}
planetscale-token planetscale-api-token pscale_tkn_{url:43}
planetscale-token planetscale-oauth-token pscale_oauth_{url:43}
planetscale-token planetscale-password pscale_pw_{url:43}
postman-key postman-api-token PMAK-{hex:24}-{hex:34}
private-key private-key -----BEGIN PRIVATE KEY-----\\n{b64:64}\\n{b64:64}\\n-----END PRIVATE KEY-----
pulumi-token pulumi-api-token pul-{hex:40}
pypi-token pypi-upload-token pypi-AgEIcHlwaS5vcmc{url:120}
rubygems-token rubygems-api-token rubygems_{hex:48}
sendgrid-key sendgrid-api-token SG.{url:22}.{url:43}
brevo-key sendinblue-api-token xkeysib-{hex:64}-{any:16}
sentry-token sentry-org-token sntrys_eyJpYXQiO{any:90}_{any:43}
sentry-token sentry-user-token sntryu_{hex:64}
shopify-token shopify-access-token shpat_{hex:32}
shopify-token shopify-custom-access-token shpca_{hex:32}
shopify-token shopify-private-app-access-token shppa_{hex:32}
shopify-token shopify-shared-secret shpss_{hex:32}
slack-app-token slack-app-token xapp-1-{up:11}-{num:13}-{hex:64}
slack-token slack-bot-token xoxb-{num:12}-{num:12}-{any:24}
slack-token slack-config-access-token xoxe.xoxp-1-{up:164}
slack-token slack-config-refresh-token xoxe-1-{up:146}
slack-token slack-legacy-bot-token xoxb-{num:12}-{any:24}
slack-token slack-legacy-token xoxs-{num:10}-{num:10}-{num:10}-{hex:32}
slack-token slack-legacy-workspace-token xoxa-2-{any:40}
slack-token slack-user-token xoxp-{num:12}-{num:12}-{num:12}-{hex:32}
slack-webhook slack-webhook-url https://hooks.slack.com/services/T{up:8}/B{up:10}/{any:24}
square-token square-access-token sq0atp-{url:22}
stripe-key stripe-access-token rk_prod_{any:40}
twilio-key twilio-api-key SK{hex:32}
hashicorp-vault-token vault-batch-token hvb.{url:160}
hashicorp-vault-token vault-service-token hvs.{url:96}`;

interface Kind {
  readonly rule: string;
  readonly kind: string;
  /** A line of text with `{alphabet:length}` for what is random. */
  readonly lines: readonly string[];
}

/** The first `words` words of each row, and the rest of it. */
const rows = (table: string, words: number) =>
  table
    .trim()
    .split("\n")
    .map((row) => {
      const parts = row.replaceAll("\\n", "\n").split(" ");
      return [...parts.slice(0, words), parts.slice(words).join(" ")] as string[];
    });

const KINDS: readonly Kind[] = [
  ...rows(NAMED, 2).map(([kind, name, value]) => ({
    rule: kind!,
    kind: kind!,
    lines: SETTINGS.map((line) => line.replaceAll("NAME", name!).replace("VALUE", value!)),
  })),
  ...rows(MARKED, 1).map(([kind, line]) => ({ rule: kind!, kind: kind!, lines: [line!] })),
  ...rows(OTHERWISE_NAMED, 2).map(([rule, kind, line]) => ({ rule: rule!, kind: kind!, lines: [line!] })),
];

const fill = (line: string, some: (alphabet: string, length: number) => string) =>
  line.replace(/\{(\w+):(\d+)\}/g, (_, alphabet: string, length: string) =>
    some(ALPHABETS[alphabet]!, Number(length)),
  );

describe("a fake of each kind is found, and its placeholder is not", () => {
  for (const { rule, kind, lines } of KINDS)
    test(kind === rule ? kind : `${kind}, by the rule ${rule}`, () => {
      const random = new Rng(`${kind} by ${rule}`);
      const some = (alphabet: string, length: number) =>
        Array.from({ length }, () => alphabet[random.int(0, alphabet.length - 1)]).join("");
      for (const line of lines) {
        const fake = fill(line, some);
        expect([fake, findSecrets(`first\n${fake}\nlast\n`).map((one) => one.rule)]).toEqual([fake, [rule]]);
        // What stands for a key: one character again and again, and words.
        const same = fill(line, (alphabet, length) => alphabet[0]!.repeat(length));
        expect([same, findSecrets(same)]).toEqual([same, []]);
        const words = fill(line, () => "your-key-here");
        expect([words, findSecrets(words)]).toEqual([words, []]);
      }
    });
});

test("names, paths and numbers that are given to a service are no key of it", () => {
  const texts = [
    `discord_guild_id = "${"8123".repeat(5).slice(0, 18)}"`,
    "DROPBOX_FOLDER=backup-of-photos",
    `linear_md5: ${"0a1b2c3d4e5f6789".repeat(2)}`,
    'looker_dashboard = "sales_north_america_2024"',
    'fastly_service_name: "front-page-cache-of-shop-eu-2024"',
    "twitter_handle: theQuickBrownFoxJumpsOver",
    "sumo = 'sustainability'",
    "const globTest = test(pattern);",
    "return s.getElementByClassNameAndTag;",
    "travis: cacheDirectoriesOfPackages",
    `kind: Secret\ndata:\n  banner: ${btoa("placeholder-of-a-word")}`,
    "curl -H 'X-Api-Key: $API_KEY_OF_MINE' https://ci.local",
    'curl -H "Content-Type: application/json" https://ci.local',
    "confluent_version=confluent-platform",
    `uses: netlify/actions/cli@${"0a1b2c3d4e".repeat(4)}`,
  ];
  for (const text of texts) expect([text, findSecrets(text)]).toEqual([text, []]);
});

test("a long text without an end is searched in time that grows with its length", () => {
  const hard = [
    "curl -H 'key: ",
    "discord_",
    "sidekiq enterprise.contribsys.com discord facebook = ",
    "kind: Secret data: ",
    "t1.yandex := t1.",
    "A3-AAAAAA-",
    "snyk_api_key\t ",
    "ABSK",
    "eyJrIjoi",
  ];
  for (const piece of hard) {
    const text = piece.repeat(Math.ceil(100_000 / piece.length));
    const started = performance.now();
    findSecrets(text);
    // Quadratic time would be minutes.
    expect([piece, performance.now() - started < 5000]).toEqual([piece, true]);
  }
});
