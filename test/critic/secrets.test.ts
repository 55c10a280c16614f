// Planted fakes: one of each kind, made from what its service documents, and what must not be taken for one.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Rng } from "../../src/base/rng.ts";
import { findSecrets } from "../../src/critic/secrets/find.ts";
import { SECRET_RULES } from "../../src/critic/secrets/rules.ts";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const alnum = `${letters}${letters.toLowerCase()}0123456789`;
const hex = "0123456789abcdef";
const base32 = `${letters}234567`;
const random = new Rng("planted fakes");
const some = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[random.next() % alphabet.length]).join("");

const planted: Readonly<Record<string, string>> = {
  "private-key": `-----BEGIN EC PRIVATE KEY-----\n${some(alnum, 64)}\n${some(alnum, 40)}\n-----END EC PRIVATE KEY-----`,
  "age-secret-key": `AGE-SECRET-KEY-1${some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}`,
  "aws-access-key-id": `ASIA${some(base32, 16)}`,
  "aws-secret-access-key": `AWS_SECRET_ACCESS_KEY="${some(alnum, 40)}"`,
  "github-token": `gho_${some(alnum, 36)}`,
  "github-fine-grained-token": `github_pat_${some(alnum, 82)}`,
  "gitlab-token": `glpat-${some(alnum, 20)}`,
  "slack-token": `xoxp-${some("123456789", 12)}-${some(alnum, 24)}`,
  "slack-app-token": `xapp-1-${some(letters, 11)}-${some("123456789", 13)}-${some(hex, 64)}`,
  "slack-webhook": `https://hooks.slack.com/services/T${some(letters, 8)}/B${some(letters, 10)}/${some(alnum, 24)}`,
  "discord-webhook": `https://discord.com/api/webhooks/${some("123456789", 18)}/${some(alnum, 68)}`,
  "telegram-bot-token": `${some("123456789", 10)}:AA${some(alnum, 33)}`,
  "openai-key": `sk-${some(alnum, 48)}`,
  "anthropic-key": `sk-ant-api03-${some(alnum, 93)}AA`,
  "huggingface-token": `hf_${some(letters + letters.toLowerCase(), 34)}`,
  "groq-key": `gsk_${some(alnum, 52)}`,
  "google-api-key": `AIza${some(alnum, 35)}`,
  "google-oauth-secret": `GOCSPX-${some(alnum, 28)}`,
  "stripe-key": `rk_live_${some(alnum, 24)}`,
  "shopify-token": `shpat_${some(hex, 32)}`,
  "sendgrid-key": `SG.${some(alnum, 22)}.${some(alnum, 43)}`,
  "npm-token": `npm_${some(alnum, 36)}`,
  "pypi-token": `pypi-AgEI${some(alnum, 120)}`,
  "docker-token": `dckr_pat_${some(alnum, 27)}`,
  "digitalocean-token": `dop_v1_${some(hex, 64)}`,
  "databricks-token": `dapi${some(hex, 32)}`,
  "grafana-token": `glsa_${some(alnum, 32)}_${some(hex, 8)}`,
  "hashicorp-vault-token": `hvs.${some(alnum, 90)}`,
  "twilio-key": `SK${some(hex, 32)}`,
  "azure-storage-key": `AccountKey=${some(alnum, 86)}==`,
  "password-in-url": `amqp://bo:${some(alnum, 14)}@queue:5672/`,
  "authorization-header": `Authorization: Bearer ${some(alnum, 40)}`,
  "curl-user": `curl --user bo:${some(alnum, 12)} https://ci.local`,
  "generic-api-key": `client_secret = '${some(alnum, 32)}'`,
  "generic-password": `"password": "${some(alnum, 7)}9!${some(alnum, 5)}"`,
};

describe("a planted fake is found", () => {
  for (const [rule, text] of Object.entries(planted))
    test(rule, () => {
      const found = findSecrets(`before\n${text}\nafter\n`);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ rule, line: 2 });
      // The evidence must not carry what it found.
      expect(JSON.stringify(found).length).toBeLessThan(260);
    });
});

test("each planted fake belongs to a rule", () => {
  const ids = SECRET_RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of Object.keys(planted)) expect(ids).toContain(id);
});

test("a fake is allowed by its hash", () => {
  const fake = `ghs_${some(alnum, 36)}`;
  const allowed = new Set([createHash("sha256").update(fake).digest("hex")]);
  expect(findSecrets(fake)).toHaveLength(1);
  expect(findSecrets(fake, allowed)).toEqual([]);
});

test("what is looked up, written about or left open is no secret", () => {
  const texts = [
    "token = os.environ['GITHUB_TOKEN']",
    "const apiKey = process.env.API_KEY_PRODUCTION_1;",
    "password: $" + "{{ secrets.DB_PASSWORD_2 }}",
    "api_key = '<your-api-key-here-0000>'",
    'export PASSWORD="$(cat /run/secrets/password1)"',
    "def reset_password(user_password_1, new_password_2): ...",
    "id: 550e8400-e29b-41d4-a716-446655440000",
    "integrity sha512-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08==",
    "https://example.com:8080/path@2x.png",
  ];
  for (const text of texts) expect([text, findSecrets(text)]).toEqual([text, []]);
});
