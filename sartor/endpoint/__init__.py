"""A chip's model served over HTTP as OpenAI's API has it: tokens of the golden model, times of the estimate."""
