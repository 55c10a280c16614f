"""Rows that repeat each other more or less, suspects that hold parts of a benchmark, and how much, by other people's counting.

Needs scikit-learn 1.9.1 and scipy 1.17.1; writes beside itself.
"""

import json
import random
from pathlib import Path

from scipy.spatial.distance import jaccard
from sklearn.feature_extraction.text import CountVectorizer

HERE = Path(__file__).parent
WORDS = r"\w+|[^\w\s]"
random.seed(20)
vocabulary = ["".join(random.choice("abcdefghijklmnoprstuvwyé") for _ in range(random.randint(2, 9))) for _ in range(900)]
signs = ["(", ")", ":", "=", "+", "[", "]", "->", "_x", "42", "."]


def text(words):
    out = []
    for _ in range(words):
        word = random.choice(signs) if random.random() < 0.2 else random.choice(vocabulary)
        out.append(word.capitalize() if random.random() < 0.1 else word)
    return out


def write(name, rows):
    (HERE / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def row(words, system=None):
    cut = len(words) // 3
    turns = [] if system is None else [{"role": "system", "content": system}]
    turns += [
        {"role": "user", "content": " ".join(words[:cut])},
        {"role": "assistant", "content": "  \n".join([" ".join(words[cut : 2 * cut]), " ".join(words[2 * cut :])])},
    ]
    return {"messages": turns}


def said(one):
    return "\n".join(turn["content"] for turn in one["messages"] if turn["role"] != "system")


# 40 texts, each with copies in which more and more words are others.
rows = []
orientation = " ".join(text(120))
for origin in range(40):
    words = text(random.choice([12, 40, 90, 300]))
    rows.append(row(words, orientation))
    for changes in [0, 1, 2, 4, 9][: random.randint(1, 5)]:
        copy = list(words)
        for _ in range(changes):
            copy[random.randrange(len(copy))] = random.choice(vocabulary)
        rows.append(row(copy, orientation))
random.shuffle(rows)
write("rows.jsonl", rows)
grams = CountVectorizer(token_pattern=WORDS, ngram_range=(5, 5), binary=True).fit_transform(map(said, rows)).toarray().astype(bool)
pairs = [
    [i, j, round(1 - float(jaccard(grams[i], grams[j])), 6)]
    for j in range(len(rows))
    for i in range(j)
    if (grams[i] & grams[j]).any()
]
(HERE / "jaccard.json").write_text(json.dumps(pairs))

# A benchmark in HumanEval's shape, and rows that hold parts of its passages.
items = [
    {
        "task_id": f"Made/{i}",
        "prompt": " ".join(text(random.choice([9, 30, 70]))),
        "entry_point": f"f_{i}",
        "canonical_solution": " ".join(text(random.choice([4, 25, 60]))),
        "test": " ".join(text(40)),
    }
    for i in range(12)
]
write("benchmark.jsonl", items)
suspects = []
for k in range(60):
    words = text(60)
    if k % 3:
        item = random.choice(items)
        taken = item[random.choice(["prompt", "canonical_solution", "test"])].split(" ")
        part = random.choice([0.3, 0.6, 0.8, 1])
        at = random.randrange(len(words))
        words[at:at] = [word.upper() if k % 2 else word for word in taken[: max(1, round(part * len(taken)))]]
    suspects.append(row(words))
write("suspects.jsonl", suspects)
overlaps = []
for i, suspect in enumerate(suspects):
    best = 0.0
    for item in items:
        for field in ["prompt", "canonical_solution", "test"]:
            length = len(CountVectorizer(token_pattern=WORDS).build_tokenizer()(item[field]))
            if length < 8:
                continue
            n = 13 if length >= 13 else 8
            counter = CountVectorizer(token_pattern=WORDS, ngram_range=(n, n), binary=True).fit([item[field]])
            best = max(best, float(counter.transform([said(suspect)]).mean()))
    overlaps.append(round(best, 6))
(HERE / "overlap.json").write_text(json.dumps(overlaps))
