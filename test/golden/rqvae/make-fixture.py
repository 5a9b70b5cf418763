"""Makes straight-through.json and rotation.json: one RQ-VAE loss and its gradients by PyTorch autograd in float64.

python make-fixture.py   (torch 2.x, any CPU)
"""

import json
import pathlib

import torch

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
B, E, H, D, L, K, BETA = 6, 5, 7, 3, 2, 4, 0.25

inputs = torch.randn(B, E)


def layers(widths):
    return [
        {"weight": torch.randn(i, o) / i**0.5, "bias": 0.1 * torch.randn(o)} for i, o in zip(widths, widths[1:])
    ]


encoder, decoder = layers([E, H, D]), layers([D, H, E])
codebooks = [torch.randn(K, D) * 0.8**level for level in range(L)]


def mlp(stack, x):
    for i, layer in enumerate(stack):
        x = (torch.relu(x) if i else x) @ layer["weight"] + layer["bias"]
    return x


def straight_through(latent, quantized):
    return latent + (quantized - latent).detach()


def rotation(latent, quantized):
    """Fifty et al. 2024, eq. 4, by the explicit rotation matrix of every row."""
    rows = []
    for e, q in zip(latent, quantized):
        with torch.no_grad():
            e1, q1 = e / e.norm(), q / q.norm()
            r = (e1 + q1) / (e1 + q1).norm()
            matrix = torch.eye(D) - 2 * torch.outer(r, r) + 2 * torch.outer(q1, e1)
            scale = q.norm() / e.norm()
        rows.append(scale * matrix @ e)
    return torch.stack(rows)


def run(estimator):
    named = {f"{part}.{i}.{k}": t for part, stack in (("encoder", encoder), ("decoder", decoder))
             for i, layer in enumerate(stack) for k, t in layer.items()}
    named |= {f"codebooks.{i}": c for i, c in enumerate(codebooks)}
    for tensor in named.values():
        tensor.requires_grad_(True)
        tensor.grad = None
    latent = mlp(encoder, inputs)
    residual, quantized, codes, codebook_loss, commitment = latent, 0, [], 0, 0
    for codebook in codebooks:
        code = torch.cdist(residual, codebook).argmin(1)
        vector = codebook[code]
        codebook_loss = codebook_loss + ((residual.detach() - vector) ** 2).sum(1).mean()
        commitment = commitment + ((residual - vector.detach()) ** 2).sum(1).mean()
        quantized = quantized + vector.detach()
        codes.append(code.tolist())
        residual = residual - vector.detach()
    reconstruction = ((inputs - mlp(decoder, estimator(latent, quantized))) ** 2).sum(1).mean()
    loss = reconstruction + codebook_loss + BETA * commitment
    loss.backward()
    return {
        "levels": L, "codebookSize": K, "commitmentWeight": BETA,
        "inputs": inputs.tolist(),
        "params": {name: tensor.tolist() for name, tensor in named.items()},
        "codes": codes,
        "quantized": quantized.tolist(),
        "loss": loss.item(), "reconstruction": reconstruction.item(),
        "codebook": codebook_loss.item(), "commitment": commitment.item(),
        "gradients": {name: tensor.grad.tolist() for name, tensor in named.items()},
    }


for name, estimator in (("straight-through", straight_through), ("rotation", rotation)):
    path = pathlib.Path(__file__).with_name(f"{name}.json")
    path.write_text(json.dumps(run(estimator), indent=None) + "\n")
