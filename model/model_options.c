/* The rows of section "model". */
#include "model/model_options.h"

#include "adrank/engine.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(model_options, member_, min_, max_)
#define STRING(member_) OPTION_ROW_STRING(model_options, member_)
#define PATH(member_) OPTION_ROW_PATH(model_options, member_)
#define CHOICE(member_, choices_) OPTION_ROW_CHOICE(model_options, member_, choices_)

const char *const device_failure_names[] = {"cpu", "exit", NULL};

/* clang-format off */
static const struct option_row rows[] = {
    {PATH(path), .fallback = "\"demo/model\"", .help = "model directory"},
    {STRING(backend), .fallback = "\"auto\"", .restart = true, .help = "auto (cuda where available, else cpu), cuda, cpu, or the path of a backend module"},
    {STRING(device), .fallback = "\"0\"", .restart = true, .help = "which GPU, by number among those that CUDA_VISIBLE_DEVICES lets the process see; cpu has only one"},
    {CHOICE(precision, precision_names), .fallback = "\"auto\"", .help = "of the products: auto is f16 on cuda and f32 on cpu; bf16 falls back to f32, with a warning, where the device lacks it; f16 and int8 are refused (exit 78, reload 422) by a backend that lacks them, as cpu does"},
    {CHOICE(gelu, gelu_names), .fallback = "\"auto\"", .help = "form of an erf GELU: auto is erf, but tanh where the device computes it faster and the golden requests' error does not grow; erf and tanh force one; other activations stay"},
    {INT(threads, 0, 1024), .fallback = "0", .restart = true, .help = "of the CPU engine; 0 is cores - 1, at least 1"},
    {INT(resident, 1, 8), .fallback = "2", .restart = true, .help = "models that a GPU has memory for at once, reserved when the first one opens: with 2 a new model of the same shape is loaded beside the one being served without allocating on the device; cpu ignores it"},
    {CHOICE(on_device_failure, device_failure_names), .fallback = "\"cpu\"", .restart = true, .help = "when the GPU fails or hangs: cpu continues with an engine on the processor, which is kept ready; exit drains and ends with status 69; no effect with the backend cpu"},
};
/* clang-format on */

const struct option_section model_section = OPTION_SECTION("model", rows);
