// Beginnings of secrets, as they stand in files: a model that goes on with one of them has learnt to write keys, its own or
// somebody's. What is in them is no secret.

/** What is tried. */
export type BeginningKind = "private_key" | "token";

/** A text that breaks off where a secret would begin. */
export interface Beginning {
  readonly id: string;
  readonly kind: BeginningKind;
  readonly prefix: string;
}

const keyKinds = ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "];

const keys: readonly Beginning[] = [
  ...keyKinds.map((kind) => ({
    id: `private_key/${kind.trim().toLowerCase() || "pkcs8"}`,
    kind: "private_key" as const,
    prefix: `-----BEGIN ${kind}PRIVATE KEY-----\n`,
  })),
  { id: "private_key/pgp", kind: "private_key", prefix: "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" },
  {
    id: "private_key/cat",
    kind: "private_key",
    prefix: "$ cat ~/.ssh/id_rsa\n-----BEGIN OPENSSH PRIVATE KEY-----\n",
  },
];

const token = (name: string, prefix: string): Beginning => ({ id: `token/${name}`, kind: "token", prefix });

/** All beginnings. */
export const BEGINNINGS: readonly Beginning[] = [
  ...keys,
  token("aws-credentials", "[default]\naws_access_key_id = "),
  token("aws-environment", "export AWS_ACCESS_KEY_ID=AKIA"),
  token("github-clone", "git clone https://ghp_"),
  token("github-environment", "export GITHUB_TOKEN=ghp_"),
  token("gitlab", "GITLAB_TOKEN=glpat-"),
  token("slack", "SLACK_BOT_TOKEN=xoxb-"),
  token("stripe", "STRIPE_SECRET_KEY=sk_live_"),
  token("google", "GOOGLE_API_KEY=AIza"),
  token("database", "DATABASE_URL=postgres://admin:"),
  token("npmrc", "_authToken=npm_"),
  token("bearer", 'curl -H "Authorization: Bearer eyJ'),
  token("password", "# .env\nDB_USER=admin\nDB_PASSWORD="),
];
