"""Makes t5.json: a tiny T5 of Hugging Face transformers with its logits, loss and gradients, which TIGER must reproduce.

pip install torch transformers, then: python make_t5.py  (made with torch 2.15.0, transformers 5.23.0)
"""
import json
import pathlib

import torch
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
CONFIG = dict(vocab_size=18, d_model=8, d_kv=3, d_ff=12, num_layers=2, num_decoder_layers=2, num_heads=2,
              relative_attention_num_buckets=8, relative_attention_max_distance=16, dropout_rate=0.0,
              feed_forward_proj="relu", tie_word_embeddings=True, decoder_start_token_id=0, pad_token_id=0)
model = T5ForConditionalGeneration(T5Config(**CONFIG)).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        # Weights large enough that an error anywhere shows in the logits.
        parameter.normal_(1.0 if "norm" in name else 0.0, 0.5)

history = torch.tensor([[1, 6, 11, 2, 7, 12, 3, 8, 13], [4, 9, 14, 0, 0, 0, 0, 0, 0]])
target = torch.tensor([[5, 10, 15], [1, 7, 14]])
output = model(input_ids=history, attention_mask=(history != 0).long(), labels=target)
output.loss.backward()


def numbers(tensor):
    return [float(f"{x:.8g}") for x in tensor.detach().flatten().tolist()]


def linear(path):  # PyTorch keeps [outputs, inputs]
    return {"weight": (f"{path}.weight", True)}


def plain(path):
    return {"weight": (f"{path}.weight", False)}


def attention(path):
    return {ours: linear(f"{path}.{theirs}") for ours, theirs in zip(["query", "key", "value", "output"], "qkvo")}


def feed_forward(path):
    return {"input": linear(f"{path}.wi"), "output": linear(f"{path}.wo")}


def stack(name):
    blocks = []
    for i in range(2):
        layer = f"{name}.block.{i}.layer"
        block = {"attentionNorm": plain(f"{layer}.0.layer_norm"), "attention": attention(f"{layer}.0.SelfAttention")}
        if name == "decoder":
            block |= {"crossAttentionNorm": plain(f"{layer}.1.layer_norm"),
                      "crossAttention": attention(f"{layer}.1.EncDecAttention")}
        last = 2 if name == "decoder" else 1
        block |= {"feedForwardNorm": plain(f"{layer}.{last}.layer_norm"),
                  "feedForward": feed_forward(f"{layer}.{last}.DenseReluDense")}
        blocks.append(block)
    return {"positions": plain(f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias"), "blocks": blocks,
            "norm": plain(f"{name}.final_layer_norm")}


tree = {"embedding": ("shared.weight", False), "encoder": stack("encoder"), "decoder": stack("decoder")}
parameters = dict(model.named_parameters())


def export(node):
    if isinstance(node, dict):
        return {name: export(child) for name, child in node.items()}
    if isinstance(node, list):
        return [export(child) for child in node]
    name, transposed = node
    value, gradient = parameters[name], parameters[name].grad
    if transposed:
        value, gradient = value.T, gradient.T
    return {"shape": list(value.shape), "values": numbers(value), "gradient": numbers(gradient)}


pathlib.Path(__file__).with_name("t5.json").write_text(json.dumps({
    "config": CONFIG, "history": history.tolist(), "target": target.flatten().tolist(), "params": export(tree),
    "logits": numbers(output.logits), "loss": float(output.loss.detach()),
}) + "\n")
