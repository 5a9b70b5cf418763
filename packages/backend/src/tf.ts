import * as tf from '@tensorflow/tfjs';

// Production mode: no NaN scan after each op, no start banner.
tf.enableProdMode();

export { tf };
