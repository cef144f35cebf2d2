//! Bad and unusual input, answered knowingly: every case that was seen with kubeadm v1.36.

mod values;
