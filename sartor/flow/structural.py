"""The mapped netlist as Verilog: one flat module of library cells."""

from __future__ import annotations

from .netlist import HIGH, LOW, Netlist


def verilog(netlist: Netlist) -> str:
    """Structural Verilog that any tool reads with the same liberty file."""
    ports = {**netlist.inputs, **netlist.outputs}
    names = {LOW: "1'b0", HIGH: "1'b1"}
    assigns = []
    for port, nets in netlist.inputs.items():
        names |= {net: f"{port} [{i}]" if len(nets) > 1 else f"{port} " for i, net in enumerate(nets)}
    for port, nets in netlist.outputs.items():
        for i, net in enumerate(nets):
            left = f"{port} [{i}]" if len(nets) > 1 else port
            if names.setdefault(net, left) != left:
                assigns.append(f"  assign {left} = {names[net]};")
    lines = [f"module {netlist.top} ({', '.join(ports)});"]
    lines += [f"  input {_range(nets)}{port};" for port, nets in netlist.inputs.items()]
    lines += [f"  output {_range(nets)}{port};" for port, nets in netlist.outputs.items()]
    wires = sorted({n for i in netlist.instances for n in i.pins.values()} - set(names))
    lines += [f"  wire n{net};" for net in wires]
    for number, instance in enumerate(netlist.instances):
        pins = ", ".join(f".{p}({names.get(n, f'n{n}')})" for p, n in instance.pins.items())
        lines.append(f"  {instance.cell.name} {_name(number, instance.path)} ({pins});")
    return "\n".join([*lines, *assigns, "endmodule", ""])


def _range(nets: tuple[int, ...]) -> str:
    return f"[{len(nets) - 1}:0] " if len(nets) > 1 else ""


def _name(number: int, path: tuple[str, ...]) -> str:
    """An escaped name that keeps the component.

    >>> _name(3, ("core", "dot"))
    '\\\\core.dot.u3 '
    """
    return "\\" + ".".join((*path, f"u{number}")) + " "
