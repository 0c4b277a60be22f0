"""Pictures that show the chain rule happen: traces, Graphviz drawings and gradient flow."""
