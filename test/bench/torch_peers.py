"""What the benchmarks beside this file do, in PyTorch on the CPU: a peer to measure against in the same minute.

    python3 torch_peers.py rqvae|kmeans|top-k|gemm|co-occurrence|ease|gru4rec [--precision float32|bfloat16] [--threads N] [--size N] [--raw DIR]
        [--items N] [--batch B] [--loss cross-entropy|bpr-max] [--steps N] [--sessions DIR] [--epochs N]

Prints lines for people and, last, one of JSON, as `npm run --silent bench` does.
"""

import argparse
import gzip
import json
import statistics
import time
from pathlib import Path

import numpy
import torch
from torch import nn

ITEMS, USERS = 12_101, 22_363


def clock(f, passes=5):
    """Median seconds of f, after one call to warm up."""
    f()
    times = []
    for _ in range(passes):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
        print(f"{times[-1]:.3f} s", flush=True)
    return statistics.median(times)


def vectors():
    """12,101 vectors of 768 around 400 centres."""
    centres = 0.7 * torch.randn(400, 768)
    return centres[torch.randint(400, (ITEMS,))] + torch.randn(ITEMS, 768)


def mlp(widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def rqvae(args):
    """An epoch of batches of 1,024: straight-through, codebook and commitment loss, AdamW."""
    x = vectors()
    widths = [768, 512, 256, 128, 32]
    encoder, decoder = mlp(widths), mlp(widths[::-1])
    codebooks = nn.ParameterList(torch.randn(256, 32) * 32**-0.5 for _ in range(3))
    parameters = [*encoder.parameters(), *decoder.parameters(), *codebooks]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=1e-4)
    mean, scale = x.mean(0), x.std()

    def step(rows):
        inputs = (x[rows] - mean) / scale
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bfloat16"):
            latent = encoder(inputs)
        latent = residual = latent.float()
        quantized, loss = 0, 0
        for codebook in codebooks:
            with torch.no_grad():
                code = torch.cdist(residual, codebook).argmin(1)
            vector = codebook[code]
            loss = loss + (residual.detach() - vector).square().sum(1).mean()
            loss = loss + 0.25 * (residual - vector.detach()).square().sum(1).mean()
            quantized = quantized + vector.detach()
            residual = residual - vector.detach()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bfloat16"):
            restored = decoder(latent + (quantized - latent).detach())
        loss = loss + (inputs - restored.float()).square().sum(1).mean()
        loss.backward()
        optimizer.step()

    def epoch():
        for rows in torch.randperm(ITEMS).split(1024):
            step(rows)

    return {"epochsPerSecond": 1 / clock(epoch)}


def kmeans(args):
    """Residual k-means, 3 x 256: k-means++ in float32, then 15 Lloyd iterations (what ours settles after varies)."""
    residual = vectors()
    start = time.perf_counter()
    for _ in range(3):
        chosen = [int(torch.randint(ITEMS, ()))]
        squared = torch.full((ITEMS,), float("inf"))
        for _ in range(255):
            squared = torch.minimum(squared, (residual - residual[chosen[-1]]).square().sum(1))
            chosen.append(int(torch.multinomial(squared, 1)))
        centroids = residual[chosen].clone()
        for _ in range(15):
            code = torch.cdist(residual, centroids).argmin(1)
            sums = torch.zeros_like(centroids).index_add_(0, code, residual)
            counts = torch.bincount(code, minlength=256).unsqueeze(1)
            centroids = torch.where(counts > 0, sums / counts.clamp(min=1), centroids)
        residual = residual - centroids[torch.cdist(residual, centroids).argmin(1)]
    return {"seconds": time.perf_counter() - start}


def top_k(args):
    dtype = getattr(torch, args.precision)
    queries, items = torch.randn(USERS, 64).to(dtype), torch.randn(ITEMS, 64).to(dtype)

    def run():
        # In parts, as the scores of all users are a gigabyte.
        for part in queries.split(2048):
            torch.topk(part @ items.t(), 20)

    return {"usersPerSecond": USERS / clock(run)}


def gemm(args):
    dtype = getattr(torch, args.precision)
    a, b = (torch.randn(args.size, args.size).to(dtype) for _ in range(2))
    seconds = clock(lambda: a @ b, passes=3)
    return {"seconds": seconds, "gigaflopsPerSecond": 2 * args.size**3 / seconds / 1e9}


def co_occurrence(args):
    """X^T X of the sparse matrix of users and training items."""
    x = training_matrix(args.raw)
    transposed = x.t().coalesce()
    return {"seconds": clock(lambda: torch.sparse.mm(transposed, x), passes=3)}


def ease(args):
    """Steck's EASE: X^T X, an inverse of all of it, and its columns by the diagonal; by NumPy and by PyTorch, in float32."""
    x = training_matrix(args.raw)
    transposed = x.t().coalesce()
    inverses = {"torch": torch.linalg.inv, "numpy": lambda gram: torch.from_numpy(numpy.linalg.inv(gram.numpy()))}

    def fit(inverse):
        gram = torch.sparse.mm(transposed, x).to_dense()
        gram.diagonal().add_(250)
        weights = inverse(gram)
        weights /= -weights.diagonal().clone()
        weights.fill_diagonal_(0)

    seconds = {}
    for name, inverse in inverses.items():
        print(name, flush=True)
        seconds[name] = clock(lambda: fit(inverse), passes=3)
    return {"seconds": min(seconds.values()), "secondsByLibrary": seconds}


class Gru4rec:
    """GRU4Rec, layers [100]: GRUCell, 2,048 shared samples, tied item embeddings with sparse gradients, Adagrad."""

    def __init__(self, sessions, items, batch, loss):
        self.sessions, self.batch, self.loss = sessions, batch, loss
        self.items, self.biases = nn.Embedding(items, 100, sparse=True), nn.Embedding(items, 1, sparse=True)
        self.cell = nn.GRUCell(100, 100)
        nn.init.uniform_(self.items.weight, -((6 / (items + 100)) ** 0.5), (6 / (items + 100)) ** 0.5)
        nn.init.zeros_(self.biases.weight)
        parameters = [*self.items.parameters(), *self.biases.parameters(), *self.cell.parameters()]
        self.optimizer = torch.optim.Adagrad(parameters, lr=0.05, initial_accumulator_value=1e-6, eps=0)
        counts = torch.bincount(torch.tensor([item for session in sessions for item in session]), minlength=items)
        self.cumulative = torch.where(counts > 0, counts.double().sqrt(), 0.0).cumsum(0)
        self.state, self.cache = torch.zeros(batch, 100), []

    def epoch(self):
        """Session-parallel steps: inputs, targets and which slots begin. It ends when the last session has begun."""
        following = iter(self.sessions)
        slots = [[next(following), 0] for _ in range(self.batch)]
        begun = [1.0] * self.batch
        while True:
            yield [torch.tensor(x) for x in ([s[i] for s, i in slots], [s[i + 1] for s, i in slots], begun)]
            begun = [0.0] * self.batch
            for slot, entry in enumerate(slots):
                entry[1] += 1
                if entry[1] + 1 == len(entry[0]):
                    session = next(following, None)
                    if session is None:
                        return
                    slots[slot], begun[slot] = [session, 0], 1.0

    def samples(self):
        if not self.cache:
            draws = torch.rand(400 * 2048, dtype=torch.float64) * self.cumulative[-1]
            self.cache = list(torch.searchsorted(self.cumulative, draws, right=True).view(400, 2048))
        return self.cache.pop()

    def step(self, inputs, targets, begun):
        batch = self.batch
        rows = torch.cat([inputs, targets, self.samples()])
        self.optimizer.zero_grad()
        embedded = self.items(rows)  # one look-up for what is read and what is compared
        state = self.cell(embedded[:batch], self.state * (1 - begun).unsqueeze(1))
        scores = state @ embedded[batch:].t() + self.biases(rows[batch:]).t()
        labels = torch.arange(batch)
        if self.loss == "cross-entropy":
            loss = nn.functional.cross_entropy(scores, labels)
        else:
            scores = nn.functional.elu(scores, 0.5)
            target = scores.diagonal().unsqueeze(1)
            weights = scores.scatter(1, labels.unsqueeze(1), -torch.inf).softmax(1)
            likelihood = (weights * torch.sigmoid(target - scores)).sum(1) + 1e-24
            loss = (-likelihood.log() + (weights * scores.square()).sum(1)).mean()
        loss.backward()
        self.optimizer.step()
        self.state = state.detach()

    @torch.no_grad()
    def ranks(self, sessions):
        """The place of every click after the first of its session, among all items."""
        places = []
        for session in sessions:
            state, states = torch.zeros(1, 100), []
            for row in self.items(torch.tensor(session[:-1])):
                state = self.cell(row.unsqueeze(0), state)
                states.append(state)
            scores = torch.cat(states) @ self.items.weight.t() + self.biases.weight.t()
            own = scores.gather(1, torch.tensor(session[1:]).unsqueeze(1))
            places.append((scores > own).sum(1) + 1)
        return torch.cat(places)


def gru4rec(args):
    """Its rate; or, with --sessions, what it is worth after --epochs on train.txt, on every click of test.txt after the first."""
    if args.sessions:
        return trained_gru4rec(args)
    # The sessions of the bench: 20,000 of 2 to 8 events, popularity falling with the rank.
    draw_items = lambda *size: (args.items * torch.rand(*size) ** 3).long()
    sessions = [draw_items(length).tolist() for length in torch.randint(2, 9, (20_000,)).tolist()]
    model = Gru4rec(sessions, args.items, args.batch, args.loss)
    steps = (batch for _ in iter(int, 1) for batch in model.epoch())
    for _ in range(20):
        model.step(*next(steps))
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(args.steps):
            model.step(*next(steps))
        rates.append(args.batch * args.steps / (time.perf_counter() - start))
        print(f"{rates[-1]:.0f} events/s", flush=True)
    return {"eventsPerSecond": statistics.median(rates), "items": args.items, "batch": args.batch, "model": args.loss}


def trained_gru4rec(args):
    numbers = {}

    def read(part):
        with gzip.open(Path(args.sessions) / f"{part}.txt.gz", "rt") as lines:
            return [[numbers.setdefault(item, len(numbers)) for item in line.split()] for line in lines]

    train, test = ([session for session in read(part) if len(session) > 1] for part in ("train", "test"))
    model = Gru4rec(train, len(numbers), args.batch, args.loss)
    start = time.perf_counter()
    for epoch in range(args.epochs):
        model.state = torch.zeros(args.batch, 100)
        for batch in model.epoch():
            model.step(*batch)
        print(f"epoch {epoch + 1}: {time.perf_counter() - start:.0f} s", flush=True)
    ranks = model.ranks(test)
    within = ranks <= 20
    metrics = {"recall@20": within.double().mean().item(), "mrr@20": (within / ranks).double().mean().item()}
    return {"events": len(ranks), "model": args.loss, **metrics}


def training_matrix(raw):
    """[users, items] without each user's last two interactions: Beauty's, or where raw is none as many places at random."""
    if not raw:
        places = torch.stack([torch.randint(USERS, (153_776,)), torch.randint(ITEMS, (153_776,))])
        return torch.sparse_coo_tensor(places, torch.ones(places.shape[1]), (USERS, ITEMS)).coalesce()
    sequences, items = {}, {}
    with gzip.open(next(Path(raw).glob("reviews_*")), "rt") as lines:
        for line in lines:
            review = json.loads(line)
            item = items.setdefault(review["asin"], len(items))
            sequences.setdefault(review["reviewerID"], []).append((review["unixReviewTime"], item))
    places = []
    for user, sequence in enumerate(sequences.values()):
        sequence.sort(key=lambda visit: visit[0])
        places += [(user, item) for _, item in sequence[:-2]]
    x = torch.sparse_coo_tensor(torch.tensor(places).t(), torch.ones(len(places)), (len(sequences), len(items)))
    print(f"{len(places)} interactions, {len(sequences)} users, {len(items)} items")
    return x.coalesce()


def main():
    peers = {"rqvae": rqvae, "kmeans": kmeans, "top-k": top_k, "gemm": gemm, "co-occurrence": co_occurrence, "ease": ease, "gru4rec": gru4rec}
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=peers)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--raw", help="folder with Amazon's files, for co-occurrence and ease")
    parser.add_argument("--items", type=int, default=40_000, help="of gru4rec, as are the options below")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--sessions", help="folder with train.txt.gz and test.txt.gz, a session a line")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--loss", choices=["cross-entropy", "bpr-max"], default="cross-entropy")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    print(f"torch {torch.__version__}, {args.precision}, {args.threads} threads", flush=True)
    measured = peers[args.name](args)
    about = {"bench": args.name, "backend": f"torch {torch.__version__}", "precision": args.precision, "threads": args.threads}
    print(json.dumps({**about, **measured}))


if __name__ == "__main__":
    main()
