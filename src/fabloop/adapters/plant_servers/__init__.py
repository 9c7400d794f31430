"""Machines on real wires: OPC UA, Modbus and MQTT servers in front of whatever tells values."""
