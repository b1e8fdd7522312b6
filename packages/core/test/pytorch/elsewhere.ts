// Ranked tests of PyTorch that have no counterpart here, each with the reason.

/** Why there is no test of that name. */
export const absent: Readonly<Record<string, string>> = {
  test_out_variant_raises_when_inputs_require_grad: "no op takes an out argument",
  test_set_grad_coroutines_exit: "modes do not cross await or yield: a guard that does is closed",
  test_Sequential_insert: "Sequential is built, appended to and sliced; it has no insert",
  test_Sequential_delitem: "Sequential has no deletion: build another one from a slice",
  test_Sequential_extend: "Sequential has no extend: append gives itself back and can be chained",
  test_KLDivLoss_batch_mean: "the loss comes with the rest of the layers",
  test_smooth_l1_loss_vs_huber_loss: "both losses come with the rest of the layers",
  test_batchnorm_raises_error_if_less_than_one_value_per_channel: "the layer is yet to come",
  test_layer_norm: "the layer is yet to come",
  test_group_norm: "the layer is yet to come",
  test_clip_grad_norm: "nn.utils is yet to come",
  test_parameters_to_vector: "nn.utils is yet to come",
  test_can_load_older_state_dict: "there is no older format",
  test_step_all_hooks: "hooks on optimizers are yet to come",
  test_lrscheduler: "schedulers are yet to come",
  safetensors: "serialization is yet to come",
  "npy header": "serialization is yet to come",
};
