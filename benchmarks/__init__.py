"""The figures that README and docs quote: ``python -m benchmarks [NAME...]``, or ``make bench`` for all.

How they are taken:

- Everyone does the same work: federated averaging in which each site adds one to the model, and every model that was
  computed is checked (`peers.task`). Ours runs an unmodified Client API script at each site.
- Peers have environments of their own, installed by the first run (`environments`). One that cannot be installed or
  fails shows in the table as such, and in the notes below it.
- Each run is a process of its own. A further round is the difference between runs of few and of many rounds in one
  process, so imports and set-up do not count; rows that include set-up say so.
- A ratio is the median over pairs of runs taken one after the other, a figure the median of its runs.
- Memory is the peak of the whole tree of processes, shared pages counted once (`memory`).
- Floors are the same work written by hand (`floors`): what no engine of that kind can be much below.
"""
