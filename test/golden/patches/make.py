"""Makes cases.json: 60 patches, each with the verdicts of `git apply` and GNU patch. Run: python3 make.py"""

import difflib
import json
import os
import re
import subprocess
import tempfile

NUMBERS = "".join(f"line {i}\n" for i in range(1, 21))
CODE = "import os\n\n\ndef first():\n    return 1\n\n\ndef second():\n    return 2\n\n\ndef third():\n    return 3\n"
SAME = "a\nb\nc\n" * 6
cases = []


def add(name, before, patch):
    cases.append({"name": name, "before": before, "patch": patch})


def diff(old, new, name="f", context=3, old_name=None, new_name=None):
    lines = difflib.unified_diff(
        old.splitlines(True), new.splitlines(True), old_name or f"a/{name}", new_name or f"b/{name}", n=context
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def edit(text, *changes):
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def shift(patch, by, which="both"):
    def moved(match):
        old, new = int(match[1]), int(match[3])
        if which in ("both", "old"):
            old += by
        if which in ("both", "new"):
            new += by
        return f"@@ -{old}{match[2] or ''} +{new}{match[4] or ''} @@"

    return re.sub(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@", moved, patch)


middle = diff(NUMBERS, edit(NUMBERS, ("line 10\n", "line ten\n")))
two = diff(NUMBERS, edit(NUMBERS, ("line 3\n", "line three\n"), ("line 17\n", "line 17\nline 17 and a half\n")))
f = {"f": NUMBERS}

# Right ones.
add("one line in the middle", f, middle)
add("two hunks", f, two)
add("first line", f, diff(NUMBERS, edit(NUMBERS, ("line 1\n", "LINE 1\n"))))
add("last line", f, diff(NUMBERS, edit(NUMBERS, ("line 20\n", "LINE 20\n"))))
add("lines added at the start", f, diff(NUMBERS, "zero\n" + NUMBERS))
add("lines added at the end", f, diff(NUMBERS, NUMBERS + "line 21\n"))
add("lines removed", f, diff(NUMBERS, edit(NUMBERS, ("line 5\nline 6\n", ""))))
add("one line of context", f, diff(NUMBERS, edit(NUMBERS, ("line 10\n", "x\n")), context=1))
add("no context", f, diff(NUMBERS, edit(NUMBERS, ("line 10\n", "x\n")), context=0))
add("insertion without context", f, diff(NUMBERS, edit(NUMBERS, ("line 10\n", "line 10\nx\n")), context=0))
add("the whole file", {"f": "a\nb\n"}, diff("a\nb\n", "c\nd\n"))
add("two files", {"f": NUMBERS, "g": CODE}, middle + diff(CODE, edit(CODE, ("return 2", "return 22")), "g"))
add("a file in a folder", {"src/f.py": CODE}, diff(CODE, edit(CODE, ("return 1", "return 11")), "src/f.py"))
add("names with times behind a tab", f, middle.replace("a/f\n", "a/f\t2024-01-01 00:00:00\n").replace("b/f\n", "b/f\t2024-01-02 00:00:00\n"))
add("words before and behind", f, "Here it is:\n\n" + middle + "\nThat is all.\n")
add("git header", f, "diff --git a/f b/f\nindex 1234567..89abcde 100644\n" + middle)
add("section heading behind the numbers", f, middle.replace(" @@\n", " @@ def f():\n"))

# Files that come, go and change their name.
add("a new file", {}, diff("", "one\ntwo\n", old_name="/dev/null"))
add("a new file by git", {}, "diff --git a/n b/n\nnew file mode 100644\nindex 0000000..1111111\n" + diff("", "one\n", "n", old_name="/dev/null"))
add("an empty new file by git", {}, "diff --git a/n b/n\nnew file mode 100644\nindex 0000000..e69de29\n")
add("a new file that is there", {"f": "other\n"}, diff("", "one\n", old_name="/dev/null"))
add("a removed file", {"f": "a\nb\n"}, diff("a\nb\n", "", new_name="/dev/null"))
add("a removed file with more lines", {"f": "a\nb\nc\n"}, diff("a\nb\n", "", new_name="/dev/null"))
add("a rename alone", f, "diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n")
add("a rename with a change", f, "diff --git a/f b/g\nsimilarity index 90%\nrename from f\nrename to g\n" + diff(NUMBERS, edit(NUMBERS, ("line 10\n", "x\n")), old_name="a/f", new_name="b/g"))
add("a rename onto a file that is there", {"f": NUMBERS, "g": "x\n"}, "diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n")
add("a rename of a missing file", {"h": "x\n"}, "diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n")
add("a change of mode alone", f, "diff --git a/f b/f\nold mode 100644\nnew mode 100755\n")
add("a missing file", {"g": "x\n"}, middle)

# Wrong numbers.
add("line numbers 2 too great", f, shift(middle, 2))
add("line numbers 2 too small", f, shift(middle, -2))
add("line numbers far off", f, shift(middle, 500))
add("old numbers wrong, new ones right", f, shift(middle, 3, "old"))
add("new numbers wrong, old ones right", f, shift(middle, 3, "new"))
add("the second hunk misplaced", f, two.replace("@@ -15,6 +15,7 @@", "@@ -11,6 +11,7 @@"))
assert cases[-1]["patch"] != two
add("hunks in the wrong order", f, "".join([two.split("@@ -")[0], "@@ -" + two.split("@@ -")[2], "@@ -" + two.split("@@ -")[1]]))
add("a repeated place", {"f": SAME}, shift(diff(SAME, SAME[:12] + "x\n" + SAME[14:], context=1), 4))
add("a hunk of line 1 further down", {"f": "new\n" + NUMBERS}, diff(NUMBERS, edit(NUMBERS, ("line 1\n", "x\n"))))

# Wrong counts.
add("old count one too great", f, middle.replace("-7,7", "-7,8"))
add("old count one too small", f, middle.replace("-7,7", "-7,6"))
add("new count one too great", f, middle.replace("+7,7", "+7,8"))
add("both counts one too small", f, middle.replace("-7,7 +7,7", "-7,6 +7,6"))
add("both counts one too great", f, middle.replace("-7,7 +7,7", "-7,8 +7,8"))
add("both counts three too great", f, middle.replace("-7,7 +7,7", "-7,10 +7,10"))
add("a count of the first hunk wrong", f, two.replace("@@ -1,6 +1,6 @@", "@@ -1,5 +1,5 @@"))
add("no counts", f, middle.replace("-7,7 +7,7", "-7 +7"))

# Wrong context.
add("outermost context wrong", f, middle.replace(" line 7\n", " line VII\n"))
add("two lines of context wrong", f, middle.replace(" line 7\n", " x\n").replace(" line 8\n", " y\n"))
add("all context before wrong", f, middle.replace(" line 7\n", " x\n").replace(" line 8\n", " y\n").replace(" line 9\n", " z\n"))
add("the removed line wrong", f, middle.replace("-line 10\n", "-line 1O\n"))
add("applied already", {"f": edit(NUMBERS, ("line 10\n", "line ten\n"))}, middle)
add("the blank before context lost", f, re.sub(r"(?m)^ line", "line", middle))
add("empty context lines without a blank", {"f": CODE}, diff(CODE, edit(CODE, ("return 2", "return 22"))).replace("\n \n", "\n\n").replace("\n \n", "\n\n"))

# Line ends.
crlf = NUMBERS.replace("\n", "\r\n")
add("CRLF in file and lines", {"f": crlf}, diff(crlf, edit(crlf, ("line 10\r\n", "x\r\n"))))
add("CRLF in the file only", {"f": crlf}, middle)
add("CRLF everywhere in the patch only", f, middle.replace("\n", "\r\n"))
add("no newline at the end, before and after", {"f": "a\nb"}, diff("a\nb", "a\nc"))
add("newline at the end is added", {"f": "a\nb"}, diff("a\nb", "a\nb\n"))
add("marker of the missing newline left out", {"f": "a\nb"}, "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")

# No patch.
add("no header", f, "\n".join(middle.split("\n")[2:]))


def run(command, before, patch):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as beside:
        for path, text in before.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", newline="") as file:
                file.write(text)
        with open(os.path.join(beside, "p"), "w", newline="") as file:
            file.write(patch)
        env = {**os.environ, "LC_ALL": "C", "GIT_CEILING_DIRECTORIES": os.path.dirname(folder)}
        done = subprocess.run([*command, os.path.join(beside, "p")], cwd=folder, env=env, capture_output=True, text=True)
        after = {}
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                if not path.endswith((".rej", ".orig")):
                    with open(path, newline="") as file:
                        after[os.path.relpath(path, folder)] = file.read()
        return done.returncode == 0, done.stdout + done.stderr, after


for case in cases:
    before, patch = case["before"], case["patch"]
    parses, _, _ = run(["git", "apply", "--numstat", "--summary"], before, patch)
    git, git_said, git_after = run(["git", "apply", "-v"], before, patch)
    gnu, gnu_said, gnu_after = run(["patch", "-p1", "-f", "--no-backup-if-mismatch", "-i"], before, patch)
    case.update(
        git_reads=parses,
        git_applies=git,
        git_offset="offset" in git_said,
        git_after=git_after if git else None,
        gnu_applies=gnu,
        gnu_offset=bool(re.search("offset|fuzz", gnu_said)),
        gnu_after=gnu_after if gnu else None,
    )

assert len(cases) == 60, len(cases)
assert len({case["name"] for case in cases}) == 60
with open("cases.json", "w") as file:
    json.dump(cases, file, indent=1, ensure_ascii=False)
    file.write("\n")
