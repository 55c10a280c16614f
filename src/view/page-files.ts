// The three files of the page, as text inside the program.

import { reportRules } from "../eval/report/page.ts";
import { bundledScript, bundledStyle } from "./bundle.ts" with { type: "macro" };

/** Everything else is built by the script. */
export const pageHtml = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sekft view</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
</head>
<body>
<noscript>sekft view needs scripts; reports of an eval (report.html) do not.</noscript>
</body>
</html>
`;

/** Bundled from page/main.ts. */
export const pageScript: string = bundledScript();

/** The report's rules, then the page's own. */
export const pageStyle = `${reportRules}\n${bundledStyle()}`;
