"""Makes gru4rec.json, core.json, sasrec.json and neumf.json: small models in PyTorch, written from the papers with its own modules, whose outputs and
gradients ours must reproduce. Weights are uniform and large enough that an error anywhere shows.

pip install torch, then: python make_fixtures.py  (made with torch 2.15.0, in float64)
"""
import json
import math
import pathlib

import torch
from torch import nn
from torch.nn.functional import (
    batch_norm, binary_cross_entropy_with_logits, cross_entropy, elu, gelu, layer_norm, leaky_relu, normalize, relu,
    scaled_dot_product_attention,
)

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def weights(*shape):
    return (torch.rand(*shape) - 0.5).requires_grad_()


def numbers(tensor):
    return {"shape": list(tensor.shape), "values": [float(f"{x:.10g}") for x in tensor.detach().flatten().tolist()]}


def tree(params, leaf):
    if isinstance(params, dict):
        return {name: tree(child, leaf) for name, child in params.items()}
    if isinstance(params, list):
        return [tree(child, leaf) for child in params]
    return leaf(params)


def write(name, params, **more):
    """Parameters as they were, and, where a loss was differentiated, their gradients."""
    golden = {"params": tree(params, numbers), **more}
    pathlib.Path(__file__).with_name(name).write_text(json.dumps(golden) + "\n")


# GRU4Rec: one step of two layers, batch 3 of which the second slot begins, 4 samples.

N, B, H = 9, 3, [5, 4]
INPUTS, TARGETS, SAMPLES = [3, 0, 7], [1, 4, 3], [2, 2, 8, 1]


def torch_gru(layer, x, h):
    """PyTorch's own cell; its weights are [3H, D], ours [D, 3H]."""
    cell = nn.GRUCell(x.shape[1], h.shape[1])
    mine = {"weight_ih": layer["input"].t(), "weight_hh": layer["hidden"].t(),
            "bias_ih": layer["bias"], "bias_hh": layer["hiddenBias"]}
    return torch.func.functional_call(cell, mine, (x, h))


def one_hot_gru(layer, rows, h):
    """Cho et al. 2014: the reset gate on the hidden state itself."""
    x = rows + layer["bias"]
    units = h.shape[1]
    gates = torch.sigmoid(x[:, : 2 * units] + h @ layer["gates"])
    r, z = gates.chunk(2, 1)
    n = torch.tanh(x[:, 2 * units :] + (r * h) @ layer["candidate"])
    return (1 - z) * h + z * n


def bpr_max(scores, alpha, bpreg):
    """Hidasi & Karatzoglou 2018, sec. 3.3, one target at a time."""
    scores = elu(scores, alpha)
    losses = []
    for i, row in enumerate(scores):
        others = torch.cat([row[:i], row[i + 1 :]])
        w = others.softmax(0)
        losses.append(-torch.log((w * torch.sigmoid(row[i] - others)).sum()) + bpreg * (w * others**2).sum())
    return torch.stack(losses).mean()


steps = []
for formula in ["torch", "one-hot"]:
    for loss_name in ["cross-entropy", "bpr-max"]:
        second = {"input": weights(H[0], 3 * H[1]), "bias": weights(3 * H[1]),
                  "hidden": weights(H[1], 3 * H[1]), "hiddenBias": weights(3 * H[1])}
        params = {"items": weights(N, H[1] + 1)}  # the last column: biases
        if formula == "torch":
            first = {"input": weights(H[1], 3 * H[0]), "bias": weights(3 * H[0]),
                     "hidden": weights(H[0], 3 * H[0]), "hiddenBias": weights(3 * H[0])}
            read = params["items"][INPUTS, :-1]
        else:
            first = {"bias": weights(3 * H[0]), "gates": weights(H[0], 2 * H[0]), "candidate": weights(H[0], H[0])}
            params["inputs"] = weights(N, 3 * H[0])
            read = params["inputs"][INPUTS]
        params["layers"] = [first, second]
        carried = [torch.rand(B, units) - 0.5 for units in H]
        before = [state * torch.tensor([[1.0], [0.0], [1.0]]) for state in carried]
        states = [(torch_gru if formula == "torch" else one_hot_gru)(first, read, before[0])]
        states.append(torch_gru(second, states[0], before[1]))
        compared = params["items"][TARGETS + SAMPLES]
        scores = states[1] @ compared[:, :-1].t() + compared[:, -1]
        loss = cross_entropy(scores, torch.arange(B)) if loss_name == "cross-entropy" else bpr_max(scores, 0.5, 1.0)
        loss.backward()
        steps.append({"formula": formula, "loss": loss_name, "value": loss.item(),
                      "params": tree(params, numbers), "gradients": tree(params, lambda p: numbers(p.grad)),
                      "carried": [numbers(x) for x in carried], "states": [numbers(x) for x in states]})
golden = {"inputs": INPUTS, "targets": TARGETS, "samples": SAMPLES, "from": [0, -1, 2], "steps": steps}
pathlib.Path(__file__).with_name("gru4rec.json").write_text(json.dumps(golden) + "\n")

# What the transformers share.

D, HEADS, F, T = 6, 2, 10, 5
SESSIONS = [[3, 1, 4, 1], [5], [8, 2, 6]]


def norm_weights():
    return {"weight": (1 + weights(D).detach()).requires_grad_(), "bias": weights(D)}


def linear(inputs, outputs):
    return {"weight": weights(inputs, outputs), "bias": weights(outputs)}


def apply(layer, x):
    return x @ layer["weight"] + layer["bias"]


def norm(layer, x, eps):
    return layer_norm(x, (D,), layer["weight"], layer["bias"], eps)


def attend(q, k, v):
    heads = [x.view(len(x), HEADS, -1).transpose(0, 1) for x in (q, k, v)]
    return scaled_dot_product_attention(*heads, is_causal=True).transpose(0, 1).reshape(len(q), -1)


# CORE: sessions and logits, both encoders.

items = weights(N, D)
transformer = {
    "positions": weights(T, D), "norm": norm_weights(),
    "blocks": [{"query": linear(D, D), "key": linear(D, D), "value": linear(D, D), "attended": linear(D, D),
                "attentionNorm": norm_weights(), "input": linear(D, F), "output": linear(F, D),
                "feedForwardNorm": norm_weights()} for _ in range(2)],
    "weight": weights(1, D),
}


def core_weights(x):
    """The share of each item of a session: post-norm transformer, causal, then a softmax over the session."""
    h = norm(transformer["norm"], x + transformer["positions"][: len(x)], 1e-12)
    for block in transformer["blocks"]:
        seen = attend(apply(block["query"], h), apply(block["key"], h), apply(block["value"], h))
        h = norm(block["attentionNorm"], h + apply(block["attended"], seen), 1e-12)
        h = norm(block["feedForwardNorm"], h + apply(block["output"], gelu(apply(block["input"], h))), 1e-12)
    return (h @ transformer["weight"].t()).softmax(0)


def core_logits(weigh):
    sessions = torch.stack([normalize((weigh(items[s]) * items[s]).sum(0), dim=0) for s in SESSIONS])
    return sessions @ normalize(items, dim=1).t() / 0.07


write("core.json", {"items": items, "transformer": transformer}, sessions=SESSIONS,
      trm=numbers(core_logits(core_weights)), ave=numbers(core_logits(lambda x: torch.full((len(x), 1), 1 / len(x)))))

# SASRec: outputs after every item.

sasrec = {
    "items": weights(N, D), "positions": weights(T, D), "norm": norm_weights(),
    "blocks": [{"attentionNorm": norm_weights(), "query": linear(D, D), "key": linear(D, D), "value": linear(D, D),
                "feedForwardNorm": norm_weights(), "input": linear(D, D), "output": linear(D, D)} for _ in range(2)],
}
outputs = []
for session in SESSIONS:
    h = sasrec["items"][session] * math.sqrt(D) + sasrec["positions"][: len(session)]
    for block in sasrec["blocks"]:
        normed = norm(block["attentionNorm"], h, 1e-8)
        seen = attend(apply(block["query"], normed), apply(block["key"], h), apply(block["value"], h))
        attended = norm(block["feedForwardNorm"], normed + seen, 1e-8)
        h = attended + apply(block["output"], relu(apply(block["input"], attended)))
    outputs.append(norm(sasrec["norm"], h, 1e-8))
hidden = torch.cat(outputs)

# Its losses, each target's negatives in a row; a negative that is the target is none.

NEXT = [1, 4, 1, 7, 2, 2, 6, 0]
SHARED = [2, 4, 8, 4, 7]
OWN = [[5, 6], [4, 0], [2, 3], [8, 8], [0, 1], [7, 2], [5, 4], [3, 6]]
NOT_MET = [0, 2, 5, 8, 3, 0, 1, 4]
CORRECTION = [0.1 * item for item in range(N)]  # by item


def leaves(params):
    if torch.is_tensor(params):
        return [params]
    return [leaf for child in (params.values() if isinstance(params, dict) else params) for leaf in leaves(child)]


def score(items, corrections):
    return (hidden * sasrec["items"][items]).sum(1) - torch.tensor(corrections)[items]


def softmax_loss(rows, corrections):
    columns = [score([row[k] for row in rows], corrections) for k in range(len(rows[0]))]
    hits = torch.tensor([[item == target for item in row] for row, target in zip(rows, NEXT)])
    negatives = torch.stack(columns, 1).masked_fill(hits, -math.inf)
    compared = torch.cat([score(NEXT, corrections)[:, None], negatives], 1)
    return cross_entropy(compared, torch.zeros(len(NEXT), dtype=torch.long))


def bce_loss():
    with_logits, none = binary_cross_entropy_with_logits, [0.0] * N
    positive = with_logits(score(NEXT, none), torch.ones(len(NEXT)))
    return positive + with_logits(score(NOT_MET, none), torch.zeros(len(NEXT)))


losses = []
for name, count, negatives, corrected, loss in [
    ("cross-entropy", 0, [], False, cross_entropy(hidden @ sasrec["items"].t(), torch.tensor(NEXT))),
    ("bce", 1, NOT_MET, False, bce_loss()),
    ("sampled-softmax", 5, SHARED, False, softmax_loss([SHARED] * len(NEXT), [0.0] * N)),
    ("sampled-softmax", 5, SHARED, True, softmax_loss([SHARED] * len(NEXT), CORRECTION)),
    ("sampled-softmax", 2, sum(OWN, []), True, softmax_loss(OWN, CORRECTION)),
]:
    gradients = torch.autograd.grad(loss, leaves(sasrec), retain_graph=True, allow_unused=True)
    by_leaf = {id(leaf): torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves(sasrec), gradients)}
    losses.append({"loss": name, "count": count, "negatives": negatives, "corrected": corrected, "value": loss.item(),
                   "gradients": tree(sasrec, lambda leaf: numbers(by_leaf[id(leaf)]))})
write("sasrec.json", sasrec, sessions=SESSIONS, outputs=numbers(hidden), targets=NEXT, corrections=CORRECTION,
      losses=losses)

# NeuMF: one step, of 3 interactions with 2 negatives each, with batch norms and without.

U, G, M, LAYERS = 4, 3, 4, [5, 3]
USERS, MET, UNMET = [1, 0, 3], [3, 0, 7], [[1, 4], [3, 8], [2, 2]]
pairs = [*zip(USERS, MET), *((user, item) for user, items in zip(USERS, UNMET) for item in items)]
users, items = map(list, zip(*pairs))
labels = torch.tensor([1.0] * len(MET) + [0.0] * (len(pairs) - len(MET)))
activations = {"relu": relu, "leakyrelu": leaky_relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}

steps = []
for activation, has_norms in [("relu", False), ("leakyrelu", True), ("tanh", False), ("sigmoid", True)]:
    widths = [2 * M, *LAYERS]
    layers = [linear(i, o) for i, o in zip(widths, widths[1:])]
    params = {"gmf": {"users": weights(U, G), "items": weights(N, G)},
              "mlp": {"users": weights(U, M), "items": weights(N, M), "layers": layers},
              "output": linear(G + LAYERS[-1], 1)}
    running = [{"runningMean": torch.rand(o), "runningVariance": 0.5 + torch.rand(o)} for o in LAYERS]
    before = [tree(averages, numbers) for averages in running]

    def neumf(training):
        h = torch.cat([params["mlp"]["users"][users], params["mlp"]["items"][items]], 1)
        for layer, averages in zip(layers, running):
            h = apply(layer, h)
            if has_norms:
                h = batch_norm(h, averages["runningMean"], averages["runningVariance"], layer["norm"]["weight"],
                               layer["norm"]["bias"], training)
            h = activations[activation](h)
        product = params["gmf"]["users"][users] * params["gmf"]["items"][items]
        return apply(params["output"], torch.cat([product, h], 1))

    if has_norms:
        for layer, o in zip(layers, LAYERS):
            layer["norm"] = {"weight": 1 + weights(o).detach(), "bias": weights(o)}
            layer["norm"]["weight"].requires_grad_()
    scores = neumf(training=False)
    loss = binary_cross_entropy_with_logits(neumf(training=True)[:, 0], labels)
    loss.backward()
    steps.append({"activation": activation, "batchNorm": has_norms, "scores": numbers(scores), "value": loss.item(),
                  "params": tree(params, numbers), "gradients": tree(params, lambda p: numbers(p.grad)),
                  "before": before, "after": [tree(averages, numbers) for averages in running]})
golden = {"users": USERS, "met": MET, "unmet": sum(UNMET, []), "steps": steps}
pathlib.Path(__file__).with_name("neumf.json").write_text(json.dumps(golden) + "\n")
