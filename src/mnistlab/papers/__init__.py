"""Papers as people fill them in, drawn from MNIST's digits: what the network that finds digits is trained on."""
