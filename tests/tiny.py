"""A language model of a few thousand weights that the tests make themselves: a Qwen2 with a byte tokenizer and a ChatML template."""

from functools import lru_cache
from pathlib import Path
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role + '\\n' }}"
    "{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ message.content }}<|im_end|>{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{{ '\\n' }}{% endif %}"
)


@lru_cache(maxsize=1)
def byte_alphabet() -> tuple[str, ...]:
    from tokenizers.pre_tokenizers import ByteLevel

    return tuple(sorted(ByteLevel.alphabet()))


def tiny_tokenizer(template: str | None = CHATML) -> Any:
    """One token a byte, so that a Chinese character is three, and the three marks of ChatML."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(byte_alphabet())}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = template
    return tokenizer


def tiny_model(folder: Path, *, seed: int = 0, hidden: int = 64, tokenizer: Any = None, positions: int = 1024) -> Path:
    """A folder with a random two-layer model and its tokenizer. Its replies are ASCII noise without an end, the same at every run.

    tokenizer: another than that of bytes, of which it says the tokens that are ASCII letters. positions: how long its window is.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    words, tokenizer = tokenizer is not None, tokenizer or tiny_tokenizer()
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=positions,
            initializer_range=0.2,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )
    printable = {chr(code) for code in range(0x21, 0x7F)}
    with torch.no_grad():
        for token, place in tokenizer.get_vocab().items():
            if not (token.isascii() and token.isalpha()) if words else token not in printable:
                model.get_input_embeddings().weight[place] = 0  # a logit of 0, which some other is always above
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_adapter(base: Path, folder: Path, *, seed: int = 1, size: float = 0.3, **options: Any) -> Path:
    """A folder with a LoRA adapter for that base, of random weights: it changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=4, task_type="CAUSAL_LM", **options))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=size)
    model.save_pretrained(folder)
    return folder
