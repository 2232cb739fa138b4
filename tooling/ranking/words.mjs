// What the table "which backend here" says, in the languages of the READMEs.

/** @typedef {typeof ENGLISH} Words */

export const ENGLISH = {
  head: ['your gradients are in', 'take', 'numbers'],
  node: (size) => `Node, ${size}`,
  page: (size) => `page, ${size}`,
  /** By package: where gradients are, and its numbers. */
  rows: {
    wasm: ['typed arrays', "Keras's bits"],
    cpu: ['typed arrays, float64 too, or few', "Keras's bits"],
    tfjs: ['tensors of TensorFlow.js', "Keras's bits on cpu and wasm"],
    onnxruntime: ['tensors of ONNX Runtime', "Keras's bits, norms within 1e-5"],
    gpujs: ['textures or arrays of gpu.js', "Keras's bits on cpu and webasm"],
  },
  noGpu: 'Nothing was measured on a real GPU',
  gpu: (renderer) => `WebGL and WebGPU: ${renderer}`,
  about: ({ machine, gpu, docs, auto }) =>
    `Nanoseconds an element for a step of momentum over so many, on ${machine}. ${gpu};
[all engines and sizes](${docs}). \`npx @sgd/auto\` measures yours, and [\`@sgd/auto\`](${auto}) chooses.`,
};

/** @type {Words} */
export const CHINESE = {
  head: ['梯度的存放形式', '选用', '数值'],
  node: (size) => `Node，${size}`,
  page: (size) => `网页，${size}`,
  rows: {
    wasm: ['类型化数组', '与 Keras 逐位一致'],
    cpu: ['类型化数组（含 float64，或元素少）', '与 Keras 逐位一致'],
    tfjs: ['TensorFlow.js 张量', '在 cpu 和 wasm 上与 Keras 逐位一致'],
    onnxruntime: ['ONNX Runtime 张量', '与 Keras 逐位一致，范数误差在 1e-5 以内'],
    gpujs: ['gpu.js 的纹理或数组', '在 cpu 和 webasm 上与 Keras 逐位一致'],
  },
  noGpu: '未在真实 GPU 上做过任何测量',
  gpu: (renderer) => `WebGL 与 WebGPU：${renderer}`,
  about: ({ machine, gpu, docs, auto }) =>
    `数字是在相应元素个数下执行一步动量更新时，每个元素所用的纳秒数；测量环境为 ${machine}。${gpu}；
[全部引擎与规模](${docs})另有一页。用 \`npx @sgd/auto\` 可测量你自己的机器，[\`@sgd/auto\`](${auto}) 会替你选择。`,
};
