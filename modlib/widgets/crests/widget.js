// Where all crests meet, as a figure of its own.
export default { render: showCrests };
